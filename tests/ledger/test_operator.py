"""Changes by operators: which states allow them, and what they reset."""

from dataclasses import dataclass, field, replace

import pytest
from sqlalchemy import text

from swrhook.errors import CannotRecord, StateForbids
from swrhook.ledger.calls import claim, settle
from swrhook.ledger.database import Database
from swrhook.ledger.operator import Operator
from swrhook.ledger.tables import call_tags, calls, syncs
from swrhook.model import PlannedSync, Push, State, Sync
from swrhook.syncs.decisions import Decision
from swrhook.syncs.states import TRANSITIONS, Event
from tests.factories import (
    LANE,
    MINUTE,
    NOW,
    OTHER_TARGET,
    TARGET,
    A,
    B,
    FakeClock,
    FakeOutcomes,
    FakeScheduler,
    everything,
    find,
    push,
    put,
    ready_lanes,
)
from tests.ledger.queue import flow, place

LATER = NOW + MINUTE
VERSION = "ba9876543210"


@dataclass
class Seen:
    """An operator over a ledger, and what it told the rest of the process."""

    database: Database
    scheduler: FakeScheduler = field(default_factory=FakeScheduler)
    outcomes: FakeOutcomes = field(default_factory=FakeOutcomes)

    @property
    def operator(self) -> Operator:
        return Operator(self.database, self.scheduler, self.outcomes, FakeClock(LATER))

    @property
    def reported(self) -> list[tuple[str, State]]:
        return [(sync.id, state) for sync, state, _ in self.outcomes.synced]

    @property
    def superseded(self) -> list[str]:
        return [sync.id for recording in self.outcomes.recordings for sync in recording.superseded]

    def retry(self, sync: Sync, *, override: bool = False) -> bool:
        wanted = PlannedSync(push(sync.tag), TARGET, override, "present")
        return self.operator.retry(sync.id, lambda _sync: wanted, VERSION)


@pytest.fixture
def seen(database: Database) -> Seen:
    return Seen(database)


def ended(database: Database, state: State = State.EXHAUSTED) -> Sync:
    """Put a sync that has been through a lot."""
    return put(
        database,
        state,
        reason="tried for too long",
        error_code="timeout",
        error_message="no answer",
        error_remedy="wait",
        attempts=7,
        superseded_by="H" * 26,
        called_digest=A,
        waiting_since=NOW,
        failing_since=NOW,
        verifying_since=NOW,
        polls=3,
        failures=4,
        retriggers=2,
        lost_claims=1,
        alone=True,
    )


@pytest.mark.parametrize("state", State)
def test_a_retry_is_allowed_in_every_end_state_but_verified(seen: Seen, state: State) -> None:
    sync = put(seen.database, state)
    if state in TRANSITIONS[Event.RETRY].from_states:
        assert seen.retry(sync)
        assert find(seen.database, sync.id).state is State.PENDING
        return
    with pytest.raises(StateForbids, match=f"the sync is {state}"):
        seen.retry(sync)
    assert find(seen.database, sync.id) == sync


def test_a_retry_restarts_the_same_row(seen: Seen) -> None:
    sync = ended(seen.database)
    seen.retry(sync)

    fresh = put(seen.database, State.PENDING, id=sync.id.replace("0", "1"), due_at=LATER)
    [row] = [row for row in everything(seen.database, syncs) if row["id"] == sync.id]
    [new] = [row for row in everything(seen.database, syncs) if row["id"] == fresh.id]
    changed = {"rule": "present", "rules_version": VERSION, "updated_at": LATER, "id": sync.id}
    assert new | changed == row


def test_a_retry_wakes_the_lane_of_the_present_override(seen: Seen) -> None:
    sync = ended(seen.database)
    seen.retry(sync, override=True)

    moved = replace(LANE, override=True)
    assert (
        find(seen.database, sync.id).lane,
        find(seen.database, sync.id).due_at,
    ) == (moved, LATER)
    assert place(seen.database, moved) == (str(flow(moved)), LATER, True, None)
    assert ready_lanes(seen.database) == [moved]
    assert seen.scheduler.woken == 1


@pytest.mark.parametrize("state", State)
def test_a_cancel_is_allowed_in_every_state_but_verified_and_cancelled(
    seen: Seen, state: State
) -> None:
    sync = put(seen.database, state, due_at=NOW)
    if state in TRANSITIONS[Event.CANCEL].from_states:
        assert seen.operator.cancel(sync.id)
        found = find(seen.database, sync.id)
        assert (found.state, found.due_at, found.updated_at) == (State.CANCELLED, None, LATER)
        assert [(sync.id, State.CANCELLED)] == seen.reported
        return
    with pytest.raises(StateForbids, match=f"the sync is {state}"):
        seen.operator.cancel(sync.id)
    assert (find(seen.database, sync.id), seen.reported) == (sync, [])


def test_a_call_in_flight_is_recorded_and_does_not_reopen_the_cancelled_sync(seen: Seen) -> None:
    sync = put(seen.database)
    wanted = [(sync, Decision(Event.CLAIM, values={"called_digest": A}))]
    with seen.database.write() as connection:
        call, [won] = claim(connection, LANE, wanted, frozenset(), NOW)
    seen.operator.cancel(sync.id)
    with seen.database.write() as connection:
        states = settle(connection, call, [(won, Decision(Event.TRIGGER))], None, LATER)

    assert (states, find(seen.database, sync.id).state) == ([None], State.CANCELLED)
    assert [row["ended_at"] for row in everything(seen.database, calls)] == [LATER]
    assert [row["open"] for row in everything(seen.database, call_tags)] == [True]


def test_an_unknown_sync_can_neither_be_retried_nor_cancelled(seen: Seen) -> None:
    nobody = replace(put(seen.database), id="Z" * 26)

    assert (seen.operator.cancel(nobody.id), seen.retry(nobody)) == (False, False)


def test_created_syncs_supersede_open_ones_on_the_same_route_and_wake_their_lanes(
    seen: Seen,
) -> None:
    open_sync = put(seen.database, State.TRIGGERED)
    ended_sync = put(seen.database, State.MISSING, tag="v2")
    image = Push("(manual)", "cn-north-4", "team", "web/shop", "v1")
    planned = [
        PlannedSync(image, target, override=False, rule="(manual)")
        for target in (TARGET, OTHER_TARGET)
    ]

    ids = seen.operator.create_syncs(planned, VERSION)

    first, second = (find(seen.database, each) for each in ids)
    assert (first.state, first.due_at, first.delivery) == (State.PENDING, LATER, None)
    assert [first.lane.target, second.lane.target] == [TARGET, OTHER_TARGET]
    earlier = find(seen.database, open_sync.id)
    assert (State.SUPERSEDED, first.id) == (earlier.state, earlier.superseded_by)
    assert find(seen.database, ended_sync.id).state is State.MISSING
    assert {first.lane, second.lane} == set(ready_lanes(seen.database))
    assert seen.scheduler.woken == 1
    assert [open_sync.id] == seen.superseded


def test_two_syncs_on_one_route_created_together_leave_one_open(seen: Seen) -> None:
    planned = [
        PlannedSync(push("v1", digest), TARGET, override=False, rule="all") for digest in (A, B)
    ]

    first, second = seen.operator.create_syncs(planned, VERSION)

    earlier = find(seen.database, first)
    assert (earlier.state, earlier.superseded_by) == (State.SUPERSEDED, second)
    assert find(seen.database, second).state is State.PENDING


@pytest.mark.on("sqlite")
def test_a_ledger_that_cannot_be_written_raises_cannot_record(seen: Seen) -> None:
    sync = put(seen.database)
    with seen.database.write() as connection:
        connection.execute(text("ALTER TABLE syncs RENAME TO gone"))

    with pytest.raises(CannotRecord, match="no such table: syncs"):
        seen.operator.cancel(sync.id)
