"""Old rows are deleted in steps; open syncs and all that they refer to are kept."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

import pytest
from sqlalchemy import Connection, update

from swrhook.ledger.audit import AuditEntry, record_writes
from swrhook.ledger.calls import claim, settle
from swrhook.ledger.database import Database
from swrhook.ledger.delivery_bodies import prune_other_bodies
from swrhook.ledger.expansion import due_expansions, expand_portion
from swrhook.ledger.lanes import release_lane
from swrhook.ledger.leases import PeriodicLease
from swrhook.ledger.observations import find_observations, keep_observations
from swrhook.ledger.portions import LARGE, pack
from swrhook.ledger.retention import (
    FIRST,
    MOST_ROWS,
    prune_audit,
    prune_calls,
    prune_deliveries,
    prune_observations,
    prune_syncs,
)
from swrhook.ledger.service_tables import audit
from swrhook.ledger.syncs import retry
from swrhook.ledger.tables import calls, deliveries, lanes, latest_pushes, pushes, syncs
from swrhook.model import Outcome, PlannedSync, State
from swrhook.syncs.decisions import Decision
from swrhook.syncs.observations import Place, TagObservation
from swrhook.syncs.states import Event
from tests.factories import (
    LANE,
    TARGET,
    A,
    B,
    FakeClock,
    all_syncs,
    entry,
    everything,
    find,
    push,
    write,
)
from tests.ledger.prunes import BEFORE, NEW, NOW, OLD, left, prune


def end(database: Database, at: datetime = OLD) -> None:
    """End every open sync, and let its lane rest."""
    found = [sync for sync in all_syncs(database) if sync.due_at is not None]
    with database.write() as connection:
        ended = update(syncs).where(syncs.c.due_at.is_not(None))
        connection.execute(ended.values(state=State.VERIFIED.value, due_at=None, updated_at=at))
        for lane in {sync.lane for sync in found}:
            release_lane(connection, lane, at)


def test_everything_of_an_old_delivery_is_deleted(database: Database) -> None:
    write(database, *(entry(push(f"v{n}", A), at=OLD) for n in range(3)))
    write(database, entry(push("v1", A), at=OLD))  # a duplicate
    end(database)

    assert prune(database) == {
        "deliveries": 4,
        "pushes": 4,
        "latest_pushes": 3,
        "syncs": 3,
        "lanes": 1 if database.is_sqlite else 2,  # on PostgreSQL its twin, too: a lock
    }
    assert left(database) == set()


def test_bodies_that_started_nothing_are_deleted_before_their_deliveries(
    database: Database,
) -> None:
    ignored = entry(push("v2", B), outcome=Outcome.IGNORED, planned=(), at=OLD)
    write(database, *(entry(push("v1", A), at=OLD) for _ in range(2)), ignored)
    write(database, replace(ignored, received_at=NEW))
    assert prune(database, prune_other_bodies) == {"bodies": 2}
    assert sorted(
        (row["outcome"], row["body"] is not None) for row in everything(database, deliveries)
    ) == [("accepted", True), ("duplicate", False), ("ignored", False), ("ignored", True)]


def test_a_large_delivery_is_kept_until_it_is_expanded(database: Database) -> None:
    announced = [push(f"v{n}", A) for n in range(LARGE + 1)]
    write(database, pack(entry(*announced, at=OLD)))
    for _ in range(2):
        with database.write() as connection:
            expand_portion(connection, due_expansions(connection, OLD)[0], OLD)
    end(database)

    assert prune(database, prune_deliveries) == {}

    with database.write() as connection:
        while due := due_expansions(connection, OLD):
            expand_portion(connection, due[0], OLD)
    end(database)
    prune(database)
    assert left(database) - {"leases"} == set()


def test_what_is_not_old_enough_is_kept(database: Database) -> None:
    write(database, entry(push("old", A), at=OLD))
    end(database)
    kept = write(database, entry(push("new", B), at=NEW)).receipts[0]
    end(database, at=NEW)

    prune(database)

    assert [kept.delivery] == [row["id"] for row in everything(database, deliveries)]
    assert [row["tag"] for row in everything(database, pushes)] == ["new"]
    assert [sync.tag for sync in all_syncs(database)] == ["new"]
    assert [r["key"] for r in everything(database, latest_pushes)] == ["harbor team/web/shop:new"]


def test_an_old_sync_that_ended_lately_is_kept(database: Database) -> None:
    write(database, entry(push("v1", A), at=OLD))
    end(database, at=NEW)

    assert prune(database, prune_syncs) == {}
    assert len(all_syncs(database)) == 1


@pytest.mark.parametrize("state", [State.PENDING, State.CALLING, State.TRIGGERED])
def test_a_delivery_is_kept_whole_while_one_of_its_syncs_is_open(
    database: Database, state: State
) -> None:
    write(database, entry(push("v1", A), push("v2", B), at=OLD))
    end(database)
    with database.write() as connection:
        opened = update(syncs).where(syncs.c.tag == "v2")
        connection.execute(opened.values(state=state.value, due_at=OLD))

    assert set(prune(database)) - {"lanes"} == {"syncs"}  # the twin on PostgreSQL waits for nothing

    assert len(everything(database, deliveries)) == 1
    assert {row["tag"] for row in everything(database, pushes)} == {"v1", "v2"}
    assert [sync.tag for sync in all_syncs(database)] == ["v2"]
    assert LANE.key in {row["key"] for row in everything(database, lanes)}


def test_a_delivery_that_was_kept_is_deleted_once_its_syncs_have_ended(database: Database) -> None:
    write(database, entry(push("v1", A), at=OLD))
    assert prune(database) == {}
    end(database)

    assert set(prune(database)) == {"deliveries", "pushes", "latest_pushes", "syncs", "lanes"}


def test_a_push_that_deduplication_needs_is_kept_with_its_delivery(database: Database) -> None:
    original = write(database, entry(push("v1", A), at=OLD)).receipts[0]
    end(database)

    prune(database, prune_deliveries, before=OLD)
    again = write(database, entry(push("v1", A), at=OLD)).receipts[0]

    assert (Outcome.DUPLICATE, original.delivery) == (again.outcome, again.delivery)


def test_the_latest_push_of_a_tag_is_kept_longer_than_earlier_ones(database: Database) -> None:
    write(database, entry(push("v1", A), at=OLD))
    write(database, entry(push("v1", B), at=NEW))

    prune(database, prune_deliveries)

    assert [row["digest"] for row in everything(database, latest_pushes)] == [B]


def test_an_event_that_was_pruned_is_no_duplicate_any_more(database: Database) -> None:
    write(database, entry(push("v1", A, "event-1"), at=OLD))
    end(database)
    prune(database)

    again = write(database, entry(push("v1", A, "event-1"), at=NEW)).receipts[0]

    assert again.outcome is Outcome.ACCEPTED
    assert [sync.id for sync in again.syncs] == [sync.id for sync in all_syncs(database)]


def test_ignored_and_quarantined_deliveries_are_deleted_too(database: Database) -> None:
    for outcome in (Outcome.IGNORED, Outcome.QUARANTINED):
        write(database, entry(push(), at=OLD, outcome=outcome, planned=[]))

    assert prune(database) == {"deliveries": 2, "pushes": 2}


def test_a_delivery_of_very_many_pushes_is_deleted_in_steps(
    database: Database,
) -> None:
    many = 2 * MOST_ROWS + 1
    write(database, entry(*(push(f"v{n}", A) for n in range(many)), at=OLD))
    end(database)
    work = PeriodicLease(database, "test", FakeClock(NOW))

    first = prune_deliveries(work, BEFORE, FIRST)
    assert first.deleted == {"pushes": MOST_ROWS, "latest_pushes": MOST_ROWS, "deliveries": 0}
    assert len(everything(database, deliveries)) == 1

    left = many - MOST_ROWS
    assert prune(database, prune_deliveries) == {
        "pushes": left,
        "latest_pushes": left,
        "deliveries": 1,
    }


def test_large_bodies_are_deleted_in_several_steps(database: Database) -> None:
    large = entry(at=OLD, outcome=Outcome.QUARANTINED, body=bytes(3 << 20))
    write(database, large, large, large)

    step = prune_deliveries(PeriodicLease(database, "test", FakeClock(NOW)), BEFORE, FIRST)

    assert step.deleted["deliveries"] == 1
    assert prune(database)["deliveries"] == 2


def test_a_step_of_syncs_is_bounded(database: Database) -> None:
    write(database, entry(*(push(f"v{n}", A) for n in range(MOST_ROWS + 1)), at=OLD))
    end(database)

    step = prune_syncs(PeriodicLease(database, "test", FakeClock(NOW)), BEFORE, FIRST)

    assert step.deleted["syncs"] == MOST_ROWS
    assert len(all_syncs(database)) == 1


def test_calls_are_deleted_after_the_last_of_their_syncs(database: Database) -> None:
    write(database, entry(push("v1", A), push("v2", B), at=OLD))
    found = all_syncs(database)
    with database.write() as connection:
        wanted = [(sync, Decision(Event.CLAIM)) for sync in found]
        call, won = claim(connection, LANE, wanted, frozenset(), OLD)
        settle(
            connection, call, [(sync, Decision(Event.MARK_UNVERIFIED)) for sync in won], None, OLD
        )
    with database.write() as connection:
        one = update(syncs).where(syncs.c.tag == "v1")
        connection.execute(one.values(state=State.VERIFIED.value, updated_at=OLD))
        connection.execute(update(syncs).where(syncs.c.tag == "v2").values(updated_at=NEW))

    assert set(prune(database, prune_syncs, prune_calls)) - {"lanes"} == {"syncs"}
    assert [row["id"] for row in everything(database, calls)] == [call]

    end_all = update(syncs).values(state=State.VERIFIED.value, updated_at=OLD)
    with database.write() as connection:
        connection.execute(end_all)
    assert {
        name: rows
        for name, rows in prune(database, prune_syncs, prune_calls).items()
        if name.startswith("call")
    } == {"call_tags": 2, "calls": 1}


def test_the_audit_log_is_kept_for_as_long(database: Database) -> None:
    for at, token in ((OLD, "then"), (NEW, "now")):
        record_writes(database, [AuditEntry(token, "operate", "POST syncs", None, 202)], at)

    assert prune(database, prune_audit) == {"audit": 1}
    assert [row["token"] for row in everything(database, audit)] == ["now"]


def test_a_sync_that_is_retried_meanwhile_is_kept(database: Database) -> None:
    write(database, entry(push("v1", A), at=OLD))
    with database.write() as connection:
        rejected = update(syncs).values(state=State.REJECTED.value, due_at=None, updated_at=OLD)
        connection.execute(rejected)
    [sync] = all_syncs(database)
    wanted = PlannedSync(push("v1", A), TARGET, override=False, rule="all")

    class Late(PeriodicLease):
        """A pass during which an operator tries the sync again, after it was read."""

        @contextmanager
        def step(self) -> Iterator[Connection]:
            with database.write() as connection:
                retry(connection, sync, wanted, "0123456789ab", NOW)
            with PeriodicLease.step(self) as connection:
                yield connection

    step = prune_syncs(Late(database, "test", FakeClock(NOW)), BEFORE, FIRST)

    assert step.deleted["syncs"] == 0
    assert find(database, sync.id).state is State.PENDING


def test_places_that_nobody_looks_at_any_more_are_forgotten(database: Database) -> None:
    places = [
        Place("cn-east-3", "team", "web/shop", f"v{number}") for number in range(2 * MOST_ROWS)
    ]
    lately = places[::2]
    with database.write() as connection:
        keep_observations(connection, [TagObservation(place, A, OLD) for place in places])
        keep_observations(connection, [TagObservation(place, A, NEW) for place in lately])

    assert prune(database, prune_observations) == {"observations": len(places) - len(lately)}
    with database.read() as connection:
        assert find_observations(connection, places).keys() == set(lately)
