"""Several processes on one ledger, as only PostgreSQL allows."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from swrhook.ledger.calls import claim
from swrhook.ledger.database import Database
from swrhook.ledger.deliveries import record
from swrhook.ledger.findings import record_portion, store_findings
from swrhook.ledger.kept_state import probe
from swrhook.ledger.lanes import lock_lanes, release_lane
from swrhook.ledger.repairs import begin
from swrhook.ledger.server_clock import ServerClock
from swrhook.ledger.service_tables import probes
from swrhook.ledger.syncs import due_syncs
from swrhook.ledger.tables import deliveries
from swrhook.model import DeliveryEntry, PlannedSync, State
from swrhook.syncs.decisions import Decision
from swrhook.syncs.reconciliation import Drift, Finding, RepairKind, RepairRequest, RepositoryRef
from swrhook.syncs.states import Event
from tests.factories import (
    LANE,
    NOW,
    SECOND,
    TARGET,
    A,
    B,
    FakeClock,
    all_syncs,
    entry,
    everything,
    push,
    write,
)

pytestmark = pytest.mark.on("postgresql")
PATIENCE = 20.0


def from_two_senders(*, override: bool) -> tuple[DeliveryEntry, DeliveryEntry]:
    other = replace(push(digest=B), sender="registry")
    return (
        entry(push(digest=A), override=override),
        entry(other, at=NOW + SECOND, override=not override),
    )


@pytest.mark.parametrize("override", [False, True], ids=["keep", "override"])
def test_two_senders_that_announce_one_image_at_once_leave_one_open_sync(
    database: Database, *, override: bool
) -> None:
    first, second = from_two_senders(override=override)
    with ThreadPoolExecutor(1) as another:
        with database.write() as connection:
            record(connection, [first])
            waits = another.submit(write, database, second)
            assert waits_for_a_lock(database)
        waits.result(PATIENCE)

    assert [sync.state for sync in all_syncs(database)] == [State.SUPERSEDED, State.PENDING]


def test_a_repair_and_a_delivery_of_another_sender_at_once_leave_one_open_sync(
    database: Database,
) -> None:
    delivered = replace(push(digest=B), sender="registry")
    place = RepositoryRef(LANE.source_region, LANE.namespace, LANE.repository)
    missing = PlannedSync(push(digest=A), TARGET, override=False, rule="all")
    with database.write() as connection:
        repair = begin(connection, RepairRequest(RepairKind.RECONCILE, [place]), NOW)
        finding = Finding(missing, Drift.MISSING, None, needs_sync=True)
        store_findings(connection, repair, [finding], latest=True)

    def record_repair() -> None:
        with database.write() as connection:
            record_portion(connection, repair, "0123456789ab", NOW, 10)

    with ThreadPoolExecutor(1) as another:
        with database.write() as connection:
            record(connection, [entry(delivered)])
            waits = another.submit(record_repair)
            assert waits_for_a_lock(database)
        waits.result(PATIENCE)

    assert [sync.state for sync in all_syncs(database)] == [State.PENDING]


def test_workers_and_recorders_never_deadlock(database: Database) -> None:
    tags = [f"v{number}" for number in range(8)]

    def deliver(sender: str) -> None:
        pushes = [replace(push(tag), sender=sender) for tag in tags]
        for number in range(15):
            write(database, entry(*pushes, at=NOW + number * SECOND, override=sender == "b"))

    def work(order: int) -> None:
        for _ in range(15):
            with database.read() as connection:
                due = due_syncs(connection, LANE, until=NOW + 60 * SECOND, limit=100)
            with database.write() as connection:
                lock_lanes(connection, [LANE])
                claim(
                    connection,
                    LANE,
                    [(s, Decision(Event.CLAIM)) for s in due[::order]],
                    frozenset(),
                    NOW,
                )
                release_lane(connection, LANE, NOW)

    with ThreadPoolExecutor(4) as threads:
        done = [threads.submit(deliver, "a"), threads.submit(deliver, "b")]
        done += [threads.submit(work, 1), threads.submit(work, -1)]
        assert [each.result(60) for each in done] == [None] * 4


def test_nul_characters_are_replaced_in_text(database: Database) -> None:
    write(database, entry(push(), external_id="a\0b", headers={"x": "c\0d"}))

    [row] = everything(database, deliveries)
    assert (row["external_id"], row["headers"]) == ("a\N{REPLACEMENT CHARACTER}b", {"x": "c\0d"})


def test_the_clock_is_the_servers_and_not_this_machines(database: Database) -> None:
    clock = ServerClock(database, FakeClock(NOW))

    assert abs(clock.now() - datetime.now(UTC)) < timedelta(
        seconds=5
    )  # one machine: the same clock
    assert clock.now() <= clock.now()


def test_a_lost_connection_is_replaced(database: Database) -> None:
    with database.write() as connection:
        probe(connection, NOW)
    with database.read() as connection:
        mine = connection.scalar(text("SELECT pg_backend_pid()"))
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> :mine"
        ours = " AND datname = current_database()"
        connection.execute(text(others + ours), {"mine": mine})

    with database.write() as connection:
        probe(connection, NOW + SECOND)

    assert [row["at"] for row in everything(database, probes)] == [NOW + SECOND]


def waits_for_a_lock(database: Database) -> bool:
    """Wait until a transaction of this ledger waits for a lock; tell whether one does."""
    query = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    pause = threading.Event()
    for _ in range(int(PATIENCE / 0.02)):
        with database.read() as connection:
            if connection.scalar(query):
                return True
        pause.wait(0.02)
    return False
