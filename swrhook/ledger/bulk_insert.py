"""Insert many rows with few statements.

The driver releases the interpreter's lock during each statement. With one statement per row, a
batch would have to get the lock back for each row, in competition with up to 32 request threads.
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
class _CompiledInsert:
    """An insert as text of one database, cut where the rows go: `before`, `row`, `after`."""

    before: str
    row: str
    after: str
    names: Sequence[str]
    defaults: Mapping[str, Any]
    conversions: Sequence[tuple[int, Callable[[Any], Any]]]  # by the index of the value
    returns_rows: bool

    def to_values(self, row: Mapping[str, Any]) -> Values:
        """Return the values of a row, in the order of `names` and as the driver takes them."""
        complete = {**self.defaults, **row}
        values = [complete[name] for name in self.names]
        for index, convert in self.conversions:
            values[index] = convert(values[index])
        return values

    def with_rows(self, rows: Sequence[Values]) -> tuple[str, Values]:
        """Return the statement with one VALUES tuple for each row, and the parameters.

        The number of tuples is rounded up to a power of two, so that the driver keeps few
        prepared statements. The extra tuples are NULL, and the statement filters them out.
        """
        tuples = power_of_two(len(rows))
        padding = [None] * len(self.names) * (tuples - len(rows))
        text = f"{self.before}{', '.join([self.row] * tuples)}{self.after}"
        return text, [value for row in rows for value in row] + padding

    def with_arrays(self, rows: Sequence[Values]) -> tuple[str, Values]:
        """Return the statement with one array for each column, for any number of rows.

        PostgreSQL's driver parses the text of each new statement in Python, so a text that grows
        with the rows would be slow.
        """
        arrays = [list(column) for column in zip(*rows, strict=True)]
        return f"{self.before}{self.row}{self.after}", arrays


def insert_rows(
    connection: Connection, statement: AnyInsert, rows: Sequence[Mapping[str, Any]]
) -> list[Any]:
    """Insert rows with the same columns; return the first RETURNING column of each.

    Pass a statement that is composed once and kept: its compiled form is cached by identity.
    """
    if not rows:
        return []
    compiled = _compile(statement, connection.dialect, tuple(rows[0]))
    is_sqlite = connection.dialect.name == "sqlite"
    compose = compiled.with_rows if is_sqlite else compiled.with_arrays
    returned: list[Any] = []
    for start in range(0, len(rows), _MOST_ROWS):
        portion = [compiled.to_values(row) for row in rows[start : start + _MOST_ROWS]]
        new = execute(connection, *compose(portion), returns_rows=compiled.returns_rows)
        returned += [row[0] for row in new]
    return returned


@cache
def _compile(statement: AnyInsert, dialect: Dialect, names: tuple[str, ...]) -> _CompiledInsert:
    columns: list[Any] = [  # of SQLAlchemy's own types
        column
        for column in statement.table.columns
        if column.name in names or column.default is not None
    ]
    text = str(statement.values(dict.fromkeys(columns)).compile(dialect=dialect))
    # The first pair of parentheses after VALUES; `%(name)s` of PostgreSQL has its own inside.
    head, row, tail = re.split(r" VALUES (\([^()]*(?:\(\w+\)s[^()]*)*\))", text, maxsplit=1)
    conversions = [column.type.dialect_impl(dialect).bind_processor(dialect) for column in columns]
    return _CompiledInsert(
        *_cut(head, row, tail, columns, dialect),
        [column.name for column in columns],
        {column.name: column.default.arg for column in columns if column.name not in names},
        [(index, convert) for index, convert in enumerate(conversions) if convert is not None],
        returns_rows=bool(statement.exported_columns),
    )


def _cut(
    head: str, row: str, tail: str, columns: Sequence[Any], dialect: Dialect
) -> tuple[str, str, str]:
    if dialect.name == "sqlite":
        before = f"{head} SELECT * FROM (VALUES "  # noqa: S608  # names of tables.py
        # The first column is never NULL in a real row: it is the primary key.
        return before, row, f") AS new WHERE column1 IS NOT NULL{tail}"
    arrays = [f"%s::{column.type.compile(dialect)}[]" for column in columns]
    return f"{head} SELECT * FROM unnest(", ", ".join(arrays), f"){tail}"  # noqa: S608
