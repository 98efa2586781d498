"""Repairs, their findings and what was seen are deleted in steps, but nothing that is needed."""

from datetime import datetime

from sqlalchemy import Connection, update

from swrhook.ledger.database import Database
from swrhook.ledger.findings import mark_outdated, store_findings
from swrhook.ledger.leases import PeriodicLease
from swrhook.ledger.repair_tables import findings, repairs
from swrhook.ledger.repairs import begin, begin_scheduled
from swrhook.ledger.retention import FIRST, MOST_ROWS, aged_repairs, prune_repairs
from swrhook.model import PlannedSync
from swrhook.syncs.reconciliation import (
    Drift,
    Finding,
    RepairKind,
    RepairRequest,
    RepositoryRef,
    Stage,
)
from tests.factories import LANE, TARGET, FakeClock, everything, push
from tests.ledger.prunes import BEFORE, HOUR, NEW, NOW, OLD, prune

PLACE = RepositoryRef(LANE.source_region, LANE.namespace, LANE.repository)


def compare(database: Database, tags: int, *, latest: bool = True, ended: datetime = OLD) -> str:
    """Let a reconcile find so many tags, and end; return its id."""
    found = [
        Finding(
            PlannedSync(push(f"v{n}"), TARGET, override=False, rule="all"),
            Drift.SAME,
            None,
            needs_sync=False,
        )
        for n in range(tags)
    ]
    with database.write() as connection:
        repair = begin(connection, RepairRequest(RepairKind.RECONCILE, [PLACE]), OLD)
        mark_outdated(connection, PLACE)
        store_findings(connection, repair, found, latest=latest)
        finish(connection, ended)
    return repair


def finish(connection: Connection, at: datetime) -> None:
    values = {"stage": Stage.DONE.value, "ended_at": at}
    connection.execute(update(repairs).where(repairs.c.ended_at.is_(None)).values(**values))


def test_a_repair_is_deleted_after_its_findings_in_steps(database: Database) -> None:
    compare(database, MOST_ROWS + 1, latest=False)

    with database.read() as connection:
        assert connection.scalar(aged_repairs(BEFORE, FIRST)) is not None
    first = prune_repairs(PeriodicLease(database, "test", FakeClock(NOW)), BEFORE, FIRST)

    assert (first.deleted, first.after) == ({"findings": MOST_ROWS, "repairs": 0}, FIRST)
    assert prune(database) == {"findings": 1, "repairs": 1}


def test_the_latest_findings_of_a_repository_are_kept_until_a_later_reconcile(
    database: Database,
) -> None:
    compare(database, 3)
    assert not prune(database)

    later = compare(database, 2, ended=NEW)

    assert prune(database) == {"findings": 3, "repairs": 1}
    assert {row["repair"] for row in everything(database, findings)} == {later}


def test_a_repair_that_is_running_or_ended_lately_is_kept(database: Database) -> None:
    compare(database, 0, ended=NEW)
    with database.write() as connection:
        begin(connection, RepairRequest(RepairKind.BACKFILL, [PLACE]), OLD)

    assert not prune(database)


def test_the_last_scheduled_reconcile_is_kept(database: Database) -> None:
    for at in (OLD, OLD + HOUR / 2):
        with database.write() as connection:
            last = begin_scheduled(connection, HOUR / 4, 100, at)
            finish(connection, at)

    assert prune(database) == {"repairs": 1}
    assert [row["id"] for row in everything(database, repairs)] == [last]
    with database.write() as connection:
        assert begin_scheduled(connection, 2 * HOUR, 100, OLD + HOUR) is None
