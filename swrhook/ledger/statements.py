"""What the two databases write differently, and how much fits into one statement."""

from collections.abc import Collection, Iterator, Sequence
from itertools import islice

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

# SQLite takes 32,766 variables in a statement, PostgreSQL 65,535.
MOST_VARIABLES = 10_000


def upsert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return an insert that has `on_conflict_do_nothing` and `on_conflict_do_update`."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)


def portions(values: Collection[str]) -> Iterator[Sequence[str]]:
    """Yield the values in portions that fit into one IN: a delivery may name very many tags."""
    remaining = iter(values)
    while portion := list(islice(remaining, MOST_VARIABLES)):
        yield portion
