"""State changes of syncs: each event moves the states of its table, and no others."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text, update

from swrhook.errors import Kind, SwrError
from swrhook.ledger.database import Database
from swrhook.ledger.lanes import lock_lanes
from swrhook.ledger.syncs import (
    apply_decision,
    due_syncs,
    not_configured,
    release_regions,
    retry,
    supersede,
)
from swrhook.ledger.tables import syncs
from swrhook.model import (
    END_STATES,
    OPEN_STATES,
    Lane,
    PlannedSync,
    State,
    Sync,
    Target,
    Urgency,
)
from swrhook.syncs.decisions import Decision
from swrhook.syncs.states import TRANSITIONS, Event
from tests.factories import (
    LANE,
    MINUTE,
    NOW,
    OTHER_TARGET,
    SECOND,
    TARGET,
    A,
    everything,
    find,
    push,
    put,
    ready_lanes,
    write,
)
from tests.factories import entry as accepted
from tests.ledger.queue import release, schedule

LATER = NOW + MINUTE
HEIR = "H" * 26
TIMEOUT = SwrError(Kind.TRANSIENT, "timeout", "no answer", remedy="wait")
SOON = NOW + timedelta(minutes=1)
REGION = "cn-east-3"
WAITING: dict[str, Any] = {"reason": not_configured(REGION), "due_at": SOON}


def in_every_state(database: Database) -> dict[State, Sync]:
    return {
        state: put(
            database,
            state,
            tag=f"in-{state}",
            claim="C" * 26 if state is State.CALLING else None,
            due_at=None if state in END_STATES else NOW,
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
    elif transition.to in OPEN_STATES:
        is_proof = transition.to is State.TRIGGERED
        changes["urgency"] = Urgency.PROOF if is_proof else Urgency.REPEAT

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
    left_behind = put(database, State.CALLING, claim="C" * 26, tag="v4", due_at=NOW)
    put(database, State.VERIFIED, tag="v5")
    elsewhere = Lane(LANE.source_region, "team", "web/shop", OTHER_TARGET, override=False)
    put(database, lane=elsewhere, due_at=NOW, tag="v1")

    with database.read() as connection:
        found = due_syncs(connection, LANE, until=NOW, limit=10)
        fewest = due_syncs(connection, LANE, until=NOW, limit=1)

    assert found == [first, polled, left_behind]
    assert fewest == [polled]


def test_the_most_urgent_of_the_due_syncs_come_first(database: Database) -> None:
    for number, urgency in enumerate(reversed(Urgency)):
        for tag in ("a", "b"):
            at = NOW - number * SECOND
            put(database, tag=f"{urgency.name}-{tag}", due_at=at, urgency=urgency)

    with database.read() as connection:
        found = due_syncs(connection, LANE, until=NOW, limit=5)

    assert [sync.tag for sync in found] == ["FRESH-a", "FRESH-b", "PROOF-a", "PROOF-b", "REPEAT-a"]


def test_of_more_due_syncs_than_the_limit_those_that_are_due_first_come(
    database: Database,
) -> None:
    for number in range(6):
        put(database, tag=f"v{number}", due_at=NOW - number * SECOND)

    with database.read() as connection:
        found = due_syncs(connection, LANE, until=NOW, limit=2)

    assert {sync.tag for sync in found} == {"v4", "v5"}


def test_a_sync_without_a_due_time_is_due_at_once(database: Database) -> None:
    """So that none is forgotten: an open sync always has a time."""
    sync = put(database)

    apply(database, sync, Decision(Event.CLAIM))

    assert find(database, sync.id).due_at == LATER


@pytest.mark.parametrize("event", [Event.POSTPONE, Event.WAIT_FOR_SOURCE, Event.CLAIM])
def test_a_sync_of_a_backfill_stays_one(database: Database, event: Event) -> None:
    sync = put(database, backfill=True, urgency=Urgency.BACKFILL)

    apply(database, sync, Decision(event, LATER))

    assert row(database, sync)["urgency"] == Urgency.BACKFILL


def test_a_retry_is_as_urgent_as_a_push_and_that_of_a_repair_is_not(database: Database) -> None:
    for backfill, urgency in ((False, Urgency.FRESH), (True, Urgency.BACKFILL)):
        sync = put(database, State.MISSING, tag=f"of-{urgency.name}", urgency=Urgency.REPEAT)
        planned = PlannedSync(push(sync.tag), TARGET, override=False, rule="all")
        with database.write() as connection:
            retry(connection, sync, planned, "0123456789ab", LATER, backfill=backfill)

        assert row(database, sync)["urgency"] == urgency


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


def released(database: Database, lane: Lane = LANE) -> list[Lane]:
    """Let the lane rest until its syncs are due, and release what waits for the region."""
    schedule(database, lane)
    release(database, lane)
    return release_region(database)


def release_region(database: Database) -> list[Lane]:
    with database.write() as connection:
        return release_regions(connection, [REGION], NOW)


@pytest.mark.parametrize("state", [State.PENDING, State.TRIGGERED])
def test_a_sync_that_waited_for_its_region_is_due_at_once(database: Database, state: State) -> None:
    sync = put(database, state, **WAITING)

    assert released(database) == [LANE]
    assert find(database, sync.id).due_at == NOW
    assert ready_lanes(database) == [LANE]


def test_a_lane_is_scheduled_once_for_all_its_syncs(database: Database) -> None:
    put(database, tag="v1", **WAITING)
    put(database, tag="v2", **WAITING)

    assert released(database) == [LANE]


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
        woken = pool.submit(release_region, database)
        while not waits():
            assert not woken.done()
        connection.execute(
            update(syncs).where(syncs.c.id == sync.id).values(due_at=NOW + 2 * MINUTE)
        )
        connection.commit()

        assert woken.result() == [LANE]
    assert find(database, sync.id).due_at == NOW
