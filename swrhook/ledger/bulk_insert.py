"""Rows written many to a statement: each statement lets other threads of the process run.

A statement for each row would hand the interpreter over at each row, to 32 threads that want it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, Dialect
from sqlalchemy.sql.dml import Insert, ReturningInsert

from swrhook.ledger.sql import execute, power_of_two

# Rows of one statement.
_MOST_ROWS = 64

AnyInsert = Insert | ReturningInsert[Any]
Values = list[Any]


@dataclass(frozen=True, slots=True)
class _Made:
    """An insert of rows of the same names in a database's words, cut where the rows belong."""

    before: str
    row: str
    after: str
    names: Sequence[str]
    defaults: Mapping[str, Any]
    conversions: Sequence[tuple[int, Callable[[Any], Any]]]  # by the place of what is converted

    def values(self, row: Mapping[str, Any]) -> Values:
        """Return a row's values, as the driver takes them."""
        whole = {**self.defaults, **row}
        values = [whole[name] for name in self.names]
        for place, convert in self.conversions:
            values[place] = convert(values[place])
        return values

    def of_rows(self, rows: Sequence[Values]) -> tuple[str, Values]:
        """Return the statement for so many rows, and all their values.

        What is missing to a power of two is filled up with empty rows, which the statement leaves
        out: so few statements are kept by the driver.
        """
        places = power_of_two(len(rows))
        empty = [None] * len(self.names) * (places - len(rows))
        text = f"{self.before}{', '.join([self.row] * places)}{self.after}"
        return text, [value for row in rows for value in row] + empty

    def of_columns(self, rows: Sequence[Values]) -> tuple[str, Values]:
        """Return the statement for any number of rows, and an array for each column.

        PostgreSQL's driver would go through the text of each longer statement again.
        """
        return f"{self.before}{self.row}{self.after}", [
            list(each) for each in zip(*rows, strict=True)
        ]


def insert_rows(
    connection: Connection, statement: AnyInsert, rows: Sequence[Mapping[str, Any]]
) -> list[Any]:
    """Insert rows of the same columns; return the first value of each row that is returned.

    The statement is one that is made once and kept: what it becomes is remembered by it.
    """
    if not rows:
        return []
    made = _made(statement, connection.dialect, tuple(rows[0]))
    put_together = made.of_rows if connection.dialect.name == "sqlite" else made.of_columns
    returned: list[Any] = []
    for start in range(0, len(rows), _MOST_ROWS):
        portion = [made.values(row) for row in rows[start : start + _MOST_ROWS]]
        returned += [row[0] for row in execute(connection, *put_together(portion))]
    return returned


@cache
def _made(statement: AnyInsert, dialect: Dialect, names: tuple[str, ...]) -> _Made:
    columns = [
        column
        for column in statement.table.columns
        if column.name in names or column.default is not None
    ]
    text = str(statement.values(dict.fromkeys(columns)).compile(dialect=dialect))
    head, row, tail = re.split(r" VALUES (\([^()]*(?:\(\w+\)s[^()]*)*\))", text, maxsplit=1)
    conversions = [_conversion(column, dialect) for column in columns]
    return _Made(
        *_cut(head, row, tail, columns, dialect),
        [column.name for column in columns],
        {column.name: _default(column) for column in columns if column.name not in names},
        [(place, convert) for place, convert in enumerate(conversions) if convert is not None],
    )


def _cut(
    head: str, row: str, tail: str, columns: Sequence[Any], dialect: Dialect
) -> tuple[str, str, str]:
    if dialect.name == "sqlite":
        before = f"{head} SELECT * FROM (VALUES "  # noqa: S608  # names of tables.py
        return before, row, f") AS given WHERE column1 IS NOT NULL{tail}"
    arrays = [f"%s::{column.type.compile(dialect)}[]" for column in columns]
    return f"{head} SELECT * FROM unnest(", ", ".join(arrays), f"){tail}"  # noqa: S608


def _default(column: Any) -> Any:  # noqa: ANN401  # SQLAlchemy's own types
    return column.default.arg


def _conversion(column: Any, dialect: Dialect) -> Callable[[Any], Any] | None:  # noqa: ANN401
    convert: Callable[[Any], Any] | None = column.type.dialect_impl(dialect).bind_processor(dialect)
    return convert
