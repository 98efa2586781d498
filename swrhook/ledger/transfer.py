"""Copies a whole ledger from an SQLite file to an empty PostgreSQL database.

Until the copy is complete and compared, the target's revision says so, and no process starts on it.
A copy that was interrupted goes on where it ended.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Row, Table, exists, func, insert, select, text, tuple_

from swrhook.errors import LedgerUnusable
from swrhook.ledger import all_tables
from swrhook.ledger.database import Database, open_database, open_unchecked
from swrhook.ledger.failures import unusable_on_error
from swrhook.ledger.migrate import begin_copy, copied_ledger, end_copy
from swrhook.ledger.service_tables import probes, schema_versions
from swrhook.ledger.sqlite_file import ledger_marks
from swrhook.ledger.tables import workers

PORTION = 1000
# What tells about the file or the processes of one database, and is made anew in another one.
_OWN = {ledger_marks, probes, schema_versions, workers}
TABLES = [table for table in all_tables.TABLES if table not in _OWN]

Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class TableCopy:
    """A table whose rows are the same in both ledgers."""

    name: str
    rows: int


def copy_ledger(source_url: str, target_url: str, advance: Advance) -> list[TableCopy]:
    """Copy all rows and compare them; `advance` is called with each number of rows copied.

    The service must be stopped. Raises LedgerUnusable: a ledger of the wrong kind or in use, a
    target that is not empty, or rows that differ.
    """
    if not source_url.startswith("sqlite:") or not target_url.startswith("postgresql"):
        raise LedgerUnusable("a ledger can be copied from sqlite:///… to postgresql+psycopg://…")
    source = open_database(source_url, patience=0)
    with closing(source), closing(open_unchecked(target_url)) as target:
        with unusable_on_error("the ledger cannot be copied"):
            with source.read() as connection:
                ledger = connection.scalars(select(ledger_marks.c.ledger)).one()
            _begin(target, ledger)
            for table in TABLES:
                _copy(table, source, target, advance)
            copies = [_compare(table, source, target) for table in TABLES]
            with target.write() as connection:
                _gather_statistics(connection)
                end_copy(connection)
        return copies


def count_rows(source_url: str) -> int:
    """Return how many rows there are to copy. Raises LedgerUnusable."""
    with closing(open_database(source_url, patience=0)) as source, source.read() as connection:
        return sum(_count(connection, table) for table in TABLES)


def _begin(target: Database, ledger: str) -> None:
    """Make the target's tables, or find out that a copy of the same ledger has begun there."""
    with target.read() as connection:
        copied = copied_ledger(connection)
    if copied == ledger:
        return
    if copied is not None:
        raise LedgerUnusable(
            "the copy of another ledger has begun in the target database: empty the database"
        )
    target.upgrade()
    with target.write() as connection:
        for table in TABLES:
            if connection.scalar(select(exists().select_from(table))):
                raise LedgerUnusable(
                    f"the target database has rows in the table {table.name}: choose an empty one"
                )
        begin_copy(connection, ledger)


def _copy(table: Table, source: Database, target: Database, advance: Advance) -> None:
    """Copy the rows that the target does not have yet, in the order of the primary key."""
    with target.read() as connection:
        skipped = _count(connection, table)
    advance(skipped)
    with source.read() as reader:
        for rows in _portions(reader, table, skipped):
            with target.write() as writer:
                writer.execute(insert(table), [dict(row._mapping) for row in rows])  # noqa: SLF001  # SQLAlchemy's
            advance(len(rows))


def _compare(table: Table, source: Database, target: Database) -> TableCopy:
    """Return the table's copy. Raises LedgerUnusable if any row differs."""
    with source.read() as original, target.read() as copy:
        expected, present = _fingerprint(original, table), _fingerprint(copy, table)
    if present != expected:
        raise LedgerUnusable(
            f"the table {table.name} differs: {present[0]} rows of {expected[0]}, or other "
            "contents. Was the service started between two tries? Empty the target database, and "
            "copy again"
        )
    return TableCopy(table.name, expected[0])


def _gather_statistics(connection: Connection) -> None:
    """Let the first statements use their indexes: autovacuum comes after a minute or later."""
    names = ", ".join(table.name for table in TABLES)
    connection.execute(text(f"ANALYZE {names}"))


def _fingerprint(connection: Connection, table: Table) -> tuple[int, int]:
    """Return the number of rows, and a sum of their hashes, in whatever order they come."""
    count = total = 0
    for rows in _portions(connection, table):
        count += len(rows)
        total += sum(map(_hash, rows))
    return count, total % 2**256


def _portions(connection: Connection, table: Table, skipped: int = 0) -> Iterator[list[Row[Any]]]:
    """Yield all rows along the primary key, so that no statement takes long."""
    keys = list(table.primary_key.columns)
    statement = select(table).order_by(*keys).limit(PORTION)
    rows = list(connection.execute(statement.offset(skipped)))
    while rows:
        yield rows
        last = [rows[-1]._mapping[key] for key in keys]  # noqa: SLF001  # SQLAlchemy's own name
        rows = list(connection.execute(statement.where(tuple_(*keys) > tuple_(*last))))


def _count(connection: Connection, table: Table) -> int:
    return connection.scalar(select(func.count()).select_from(table)) or 0


def _hash(row: Row[Any]) -> int:
    text = json.dumps([_storable(value) for value in row], sort_keys=True, default=_plain)
    return int.from_bytes(sha256(text.encode()).digest())


def _storable(value: Any) -> Any:  # noqa: ANN401  # of any column
    # PostgreSQL's text has no NUL characters: postgresql.py replaces them.
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) else value


def _plain(value: datetime | bytes | memoryview) -> str:
    return value.isoformat() if isinstance(value, datetime) else bytes(value).hex()
