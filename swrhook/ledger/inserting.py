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

from swrhook.ledger.prepared import execute, power_of_two

# Rows of one statement. What is missing to a power of two is filled up with empty ones, which are
# left out again: so few statements are made ready and kept by the database's driver.
_MOST_ROWS = 64

AnyInsert = Insert | ReturningInsert[Any]


@dataclass(frozen=True, slots=True)
class _Made:
    """An insert of rows of the same names in a database's words, cut where rows belong."""

    before: str
    row: str
    after: str
    empty: Sequence[None]
    names: Sequence[str]
    defaults: Mapping[str, Any]
    conversions: Sequence[tuple[int, Callable[[Any], Any]]]  # by the place of what is converted

    def text(self, rows: int) -> str:
        """Return the statement for so many rows."""
        return f"{self.before}{', '.join([self.row] * rows)}{self.after}"

    def values(self, row: Mapping[str, Any]) -> Sequence[Any]:
        """Return what the row's placeholders stand for."""
        whole = {**self.defaults, **row}
        values = [whole[name] for name in self.names]
        for place, convert in self.conversions:
            values[place] = convert(values[place])
        return values


def insert_rows(
    connection: Connection, statement: AnyInsert, rows: Sequence[Mapping[str, Any]]
) -> list[Any]:
    """Insert rows of the same columns; return the first value of each row that is returned.

    The statement is one that is made once and kept: what it becomes is remembered by it.
    """
    if not rows:
        return []
    made = _made(statement, connection.dialect, tuple(rows[0]))
    returned: list[Any] = []
    for start in range(0, len(rows), _MOST_ROWS):
        portion = rows[start : start + _MOST_ROWS]
        places = power_of_two(len(portion))
        values: list[Any] = []
        for row in portion:
            values += made.values(row)
        values += [*made.empty] * (places - len(portion))
        returned += [row[0] for row in execute(connection, made.text(places), values)]
    return returned


@cache
def _made(statement: AnyInsert, dialect: Dialect, names: tuple[str, ...]) -> _Made:
    columns = [
        column
        for column in statement.table.columns
        if column.name in names or column.default is not None
    ]
    text = str(statement.values(dict.fromkeys(columns)).compile(dialect=dialect))
    text = re.sub(r"%\(\w+\)s", "%s", text)  # psycopg's names become places
    head, row, tail = re.split(r" VALUES (\([^()]*\))", text, maxsplit=1)
    kept = _kept(columns, dialect)
    conversions = [_conversion(column, dialect) for column in columns]
    return _Made(
        f"{head} SELECT {kept} FROM (VALUES ",  # noqa: S608  # names of tables.py
        row,
        f") AS given WHERE column1 IS NOT NULL{tail}",
        [None] * len(columns),
        [column.name for column in columns],
        {column.name: _default(column) for column in columns if column.name not in names},
        [(place, convert) for place, convert in enumerate(conversions) if convert is not None],
    )


def _kept(columns: Sequence[Any], dialect: Dialect) -> str:
    """Return what is taken of each row: PostgreSQL knows no type of a column of NULLs."""
    if dialect.name == "sqlite":
        return "*"
    types = [column.type.compile(dialect) for column in columns]
    return ", ".join(f"CAST(column{place} AS {name})" for place, name in enumerate(types, 1))


def _default(column: Any) -> Any:  # noqa: ANN401  # SQLAlchemy's own types
    return column.default.arg


def _conversion(column: Any, dialect: Dialect) -> Callable[[Any], Any] | None:  # noqa: ANN401
    convert: Callable[[Any], Any] | None = column.type.dialect_impl(dialect).bind_processor(dialect)
    return convert
