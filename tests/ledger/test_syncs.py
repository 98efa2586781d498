"""State changes of syncs: each event moves the states of its table, and no others."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text, update

from swrhook.errors import Kind, SwrError
from swrhook.ledger.database import Database
from swrhook.ledger.lanes import lock_lanes, reschedule
from swrhook.ledger.syncs import (
    apply_decision,
    due_syncs,
    not_configured,
    release_regions,
    shift_due_times,
    supersede,
)
from swrhook.ledger.tables import syncs
from swrhook.model import END_STATES, Lane, State, Sync, Target
from swrhook.syncs.decisions import Decision
from swrhook.syncs.states import TRANSITIONS, Event
from tests.factories import (
    LANE,
    MINUTE,
    NOW,
    OTHER_TARGET,
    SECOND,
    A,
    everything,
    find,
    push,
    put,
    write,
)
from tests.factories import entry as accepted

LATER = NOW + MINUTE
HEIR = "H" * 26
TIMEOUT = SwrError(Kind.TRANSIENT, "timeout", "no answer", remedy="wait")
SOON = NOW + timedelta(minutes=1)
REGION = "cn-east-3"
WAITING: dict[str, Any] = {"reason": not_configured(REGION), "due_at": SOON}
STEP = timedelta(hours=6)


def in_every_state(database: Database) -> dict[State, Sync]:
    return {
        state: put(
            database,
            state,
            tag=f"in-{state}",
            claim="C" * 26 if state is State.CALLING else None,
            due_at=None if state in END_STATES | {State.CALLING} else NOW,
            reason="as it was",
        )
        for state in State
    }


def apply(database: Database, sync: Sync, verdict: Decision) -> State | None:
    with database.write() as connection:
        return apply_decision(connection, sync, verdict, LATER)


def row(database: Database, sync: Sync) -> dict[str, Any]:
    return next(row for row in everything(database, syncs) if row["id"] == sync.id)


@pytest.mark.parametrize("event", Event)
def test_an_event_moves_the_states_of_its_table_and_no_other(
    database: Database, event: Event
) -> None:
    before = in_every_state(database)
    verdict = Decision(event, LATER + SECOND, "why", TIMEOUT, {"polls": 3})
    rows = {state: row(database, sync) for state, sync in before.items()}
    transition = TRANSITIONS[event]
    changes: dict[str, Any] = {
        "state": transition.to.value,
        "due_at": LATER + SECOND,
        "reason": "why",
        "updated_at": LATER,
        "claim": None,
        "error_code": "timeout",
        "error_message": "no answer",
        "error_remedy": "wait",
        "polls": 3,
    }
    if transition.to is State.VERIFIED:
        changes["verified_at"] = LATER

    for state, sync in before.items():
        reached = apply(database, sync, verdict)

        moves = state in transition.from_states
        assert (transition.to if moves else None) is reached
        assert rows[state] | (changes if moves else {}) == row(database, sync)


def test_a_decision_about_a_sync_that_has_changed_since_does_nothing(database: Database) -> None:
    read = put(database, State.PENDING, due_at=NOW)
    apply(database, read, Decision(Event.CANCEL))
    cancelled = row(database, read)

    assert apply(database, read, Decision(Event.CANCEL)) is None
    assert apply(database, read, Decision(Event.VERIFY_WITHOUT_CALL)) is None
    assert row(database, read) == cancelled


@pytest.mark.parametrize("state", State)
def test_only_an_open_sync_is_superseded(database: Database, state: State) -> None:
    sync = in_every_state(database)[state]
    before = row(database, sync)

    with database.write() as connection:
        reached = supersede(connection, sync.id, HEIR, LATER)

    if state in END_STATES:
        assert reached is None
        assert row(database, sync) == before
    else:
        assert (state if state is State.CALLING else State.SUPERSEDED) is reached
        assert find(database, sync.id).superseded_by == HEIR


def test_the_due_syncs_of_a_lane_come_oldest_first(database: Database) -> None:
    first = put(database, due_at=NOW, tag="v1")
    put(database, due_at=NOW + SECOND, tag="v2")
    polled = put(database, State.TRIGGERED, due_at=NOW - SECOND, tag="v3")
    left_behind = put(database, State.CALLING, claim="C" * 26, tag="v4")
    put(database, State.VERIFIED, tag="v5")
    elsewhere = Lane(LANE.source_region, "team", "web/shop", OTHER_TARGET, override=False)
    put(database, lane=elsewhere, due_at=NOW, tag="v1")

    with database.read() as connection:
        found = due_syncs(connection, LANE, until=NOW, limit=10)
        fewest = due_syncs(connection, LANE, until=NOW, limit=1)

    assert found == [first, polled, left_behind]
    assert fewest == [first]


def test_a_recorded_push_is_due_at_once(database: Database) -> None:
    write(database, accepted(push(digest=A)))

    recorded = everything(database, syncs)[0]

    assert (
        recorded["state"],
        recorded["due_at"],
        recorded["created_at"],
        recorded["updated_at"],
        recorded["attempts"],
        recorded["claim"],
    ) == ("pending", NOW, NOW, NOW, 0, None)


def released(database: Database, *lanes: Lane) -> list[Lane]:
    """Let the lanes rest until their syncs are due, and release what waits for the region."""
    with database.write() as connection:
        for lane in lanes:
            reschedule(connection, lane)
        return release_regions(connection, [REGION], NOW)


@pytest.mark.parametrize("state", [State.PENDING, State.TRIGGERED])
def test_a_sync_that_waited_for_its_region_is_due_at_once(database: Database, state: State) -> None:
    sync = put(database, state, **WAITING)

    assert released(database, LANE) == [LANE]
    assert find(database, sync.id).due_at == NOW


def test_a_lane_is_scheduled_once_for_all_its_syncs(database: Database) -> None:
    put(database, tag="v1", **WAITING)
    put(database, tag="v2", **WAITING)

    assert released(database, LANE) == [LANE]


@pytest.mark.parametrize(
    ("state", "columns"),
    [
        (State.PENDING, WAITING | {"reason": not_configured("cn-south-1")}),
        (State.PENDING, WAITING | {"reason": None}),
        (State.CANCELLED, WAITING | {"due_at": None}),
    ],
    ids=["another region's", "not held", "ended"],
)
def test_a_sync_that_waits_for_another_reason_is_not_released(
    database: Database, state: State, columns: dict[str, Any]
) -> None:
    other = Lane("cn-north-4", "team", "other", Target(REGION, "team"), override=False)
    sync = put(database, state, lane=other, **columns)

    assert released(database, other) == []
    assert columns["due_at"] == find(database, sync.id).due_at


@pytest.mark.on("postgresql")
def test_a_run_of_the_lane_and_a_release_do_not_deadlock(database: Database) -> None:
    sync = put(database, **WAITING)

    def waits() -> bool:
        with database.read() as connection:
            waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
            return bool(connection.scalar(waiting))

    with ThreadPoolExecutor() as pool, database.write() as connection:
        lock_lanes(connection, [LANE])
        woken = pool.submit(released, database)
        while not waits():
            assert not woken.done()
        connection.execute(
            update(syncs).where(syncs.c.id == sync.id).values(due_at=NOW + 2 * MINUTE)
        )
        connection.commit()

        assert woken.result() == [LANE]
    assert find(database, sync.id).due_at == NOW


def test_times_of_open_syncs_are_shifted_with_the_clock(database: Database) -> None:
    soon, minute = NOW + timedelta(seconds=2), timedelta(minutes=1)
    put(
        database,
        State.TRIGGERED,
        due_at=soon,
        updated_at=NOW,
        failing_since=NOW - minute,
        verifying_since=NOW - STEP - minute,
    )

    with database.write() as connection:
        assert shift_due_times(connection, NOW - STEP) == STEP

    [row] = everything(database, syncs)
    assert (row["due_at"], row["updated_at"]) == (soon - STEP, NOW - STEP)
    # What was before the time as it is now has been, and stays.
    since = NOW - STEP - minute
    assert (row["failing_since"], row["verifying_since"]) == (since, since)
    assert row["waiting_since"] is None


def test_a_calling_sync_without_due_time_gets_none(database: Database) -> None:
    put(database, State.CALLING, due_at=None, updated_at=NOW)

    with database.write() as connection:
        assert shift_due_times(connection, NOW - STEP) == STEP

    [row] = everything(database, syncs)
    assert (row["due_at"], row["updated_at"]) == (None, NOW - STEP)


def test_times_in_the_past_and_of_ended_syncs_are_not_shifted(database: Database) -> None:
    put(database, State.PENDING, due_at=NOW + STEP, updated_at=NOW)
    put(database, State.VERIFIED, tag="v2", due_at=None, updated_at=NOW + STEP)
    before = everything(database, syncs)

    with database.write() as connection:
        assert not shift_due_times(connection, NOW - timedelta(seconds=0.9))
        assert not shift_due_times(connection, NOW)

    assert everything(database, syncs) == before


def test_an_empty_ledger_needs_no_shift(database: Database) -> None:
    with database.write() as connection:
        assert not shift_due_times(connection, NOW)
