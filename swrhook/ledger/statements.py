"""What the two databases write differently, and how much fits into one statement."""

from collections.abc import Collection, Iterator, Sequence
from itertools import islice

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

# SQLite takes 32,766 variables in a statement, PostgreSQL 65,535.
MOST_VARIABLES = 10_000


AnyInsert = sqlite.Insert | postgresql.Insert


def upsert(connection: Connection, table: Table) -> AnyInsert:
    """Return an insert that has `on_conflict_do_nothing` and `on_conflict_do_update`."""
    return upsert_on(connection.dialect.name, table)


def upsert_on(database: str, table: Table) -> AnyInsert:
    """Return the same by the database's name, for statements that are made once and kept."""
    return sqlite.insert(table) if database == "sqlite" else postgresql.insert(table)


def portions(values: Collection[str]) -> Iterator[Sequence[str]]:
    """Yield the values in portions that fit into one IN: a delivery may name very many tags."""
    remaining = iter(values)
    while portion := list(islice(remaining, MOST_VARIABLES)):
        yield portion
