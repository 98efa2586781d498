"""Rows written many to a statement: each statement lets other threads of the process run.

A statement for each row would hand the interpreter over at each row, to 32 threads that want it.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, Dialect
from sqlalchemy.sql.dml import Insert, ReturningInsert

# Rows of one statement. Those of a number are written in portions of powers of two, so that few
# statements are made ready and kept by the database's driver.
_MOST_ROWS = 64

AnyInsert = Insert | ReturningInsert[Any]


@dataclass(frozen=True, slots=True)
class _Made:
    """An insert of rows of the same names in a database's words, cut where rows belong."""

    before: str
    row: str
    after: str
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
    for portion in _portions(rows):
        values: list[Any] = []
        for row in portion:
            values += made.values(row)
        result = connection.exec_driver_sql(made.text(len(portion)), tuple(values))
        if result.returns_rows:
            returned += result.scalars()
    return returned


def _portions(rows: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[Mapping[str, Any]]]:
    start, size = 0, _MOST_ROWS
    while start < len(rows):
        while size > len(rows) - start:
            size //= 2
        yield rows[start : start + size]
        start += size


@cache
def _made(statement: AnyInsert, dialect: Dialect, names: tuple[str, ...]) -> _Made:
    columns = [
        column
        for column in statement.table.columns
        if column.name in names or column.default is not None
    ]
    text = str(statement.values(dict.fromkeys(columns)).compile(dialect=dialect))
    text = re.sub(r"%\(\w+\)s", "%s", text)  # psycopg's names become places
    head, row, tail = re.split(r"(?<= VALUES )(\([^()]*\))", text, maxsplit=1)
    conversions = [_conversion(column, dialect) for column in columns]
    return _Made(
        head,
        row,
        tail,
        [column.name for column in columns],
        {column.name: _default(column) for column in columns if column.name not in names},
        [(place, convert) for place, convert in enumerate(conversions) if convert is not None],
    )


def _default(column: Any) -> Any:  # noqa: ANN401  # SQLAlchemy's own types
    return column.default.arg


def _conversion(column: Any, dialect: Dialect) -> Callable[[Any], Any] | None:  # noqa: ANN401
    convert: Callable[[Any], Any] | None = column.type.dialect_impl(dialect).bind_processor(dialect)
    return convert
