"""Runs steps of the retention to their end."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from sqlalchemy import Table, func, select

from swrhook.ledger.columns import metadata
from swrhook.ledger.database import Database
from swrhook.ledger.leases import PeriodicLease
from swrhook.ledger.retention import (
    FIRST,
    Prune,
    prune_audit,
    prune_calls,
    prune_deliveries,
    prune_observations,
    prune_repairs,
    prune_syncs,
)
from tests.factories import FakeClock

# Ids are made by the clock on the wall: what is old here was received before it, what is new after.
NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)
OLD, NEW = NOW - HOUR, NOW + 2 * HOUR
BEFORE = NOW + HOUR
ALL = (prune_deliveries, prune_syncs, prune_calls, prune_audit, prune_repairs, prune_observations)


def prune(database: Database, *steps: Prune, before: datetime = BEFORE) -> Counter[str]:
    """Prune until nothing is old enough; return what went."""
    work = PeriodicLease(database, "test", FakeClock(NOW))
    deleted: Counter[str] = Counter()
    for step in steps or ALL:
        after: str | None = FIRST
        while after is not None:
            done = step(work, before, after)
            after = done.after
            deleted.update(done.deleted)
    return +deleted


def count(database: Database, table: Table) -> int:
    with database.read() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def left(database: Database) -> set[str]:
    """Return the tables that have rows, without those about the ledger itself."""
    tables = [table for table in metadata.tables.values() if count(database, table)]
    return {table.name for table in tables} - {"schema_versions", "ledger_marks"}
