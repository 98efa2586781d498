"""State changes are conditional: an event moves the states of its table, and nothing else."""

from typing import Any

import pytest

from swrhook.errors import Kind, SwrError
from swrhook.ledger.calls import claim, settle
from swrhook.ledger.database import Database
from swrhook.ledger.syncs import LATER_PUSH, apply_decision, due_syncs, supersede
from swrhook.ledger.tables import call_tags, calls, syncs
from swrhook.model import END_STATES, Lane, State, Sync
from swrhook.syncs.decisions import Decision
from swrhook.syncs.states import TRANSITIONS, Event
from tests.ledger.parts import (
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
from tests.ledger.parts import entry as accepted

LATER = NOW + MINUTE
HEIR = "H" * 26
TIMEOUT = SwrError(Kind.TRANSIENT, "timeout", "no answer", remedy="wait")
FORBIDDEN = SwrError(Kind.CONFIGURATION, "HTTP.403", "not yours", remedy="ask for the right")
ANSWERS = {
    Event.TRIGGER: None,
    Event.REQUEUE: TIMEOUT,
    Event.REJECT: FORBIDDEN,
    Event.GIVE_UP: TIMEOUT,
    Event.WAIT_FOR_SOURCE: TIMEOUT,
    Event.MARK_MISSING: TIMEOUT,
}


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


def begin(database: Database, *syncs: Sync) -> tuple[str, list[Sync]]:
    """Claim the syncs for a call."""
    wanted = [(sync, Decision(Event.CLAIM, values={"called_digest": A})) for sync in syncs]
    with database.write() as connection:
        return claim(connection, LANE, wanted, frozenset(), LATER)


def end(
    database: Database, call: str, sync: Sync, event: Event = Event.TRIGGER
) -> list[State | None]:
    """Settle a call of one sync."""
    verdict = Decision(event, LATER + SECOND, "answered")
    with database.write() as connection:
        return settle(connection, call, [(sync, verdict)], ANSWERS[event], LATER + SECOND)


@pytest.mark.parametrize("event", Event)
def test_an_event_moves_the_states_of_its_table_and_no_other(
    database: Database, event: Event
) -> None:
    before = in_every_state(database)
    verdict = Decision(event, LATER + SECOND, "why", TIMEOUT, {"looks": 3})
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
        "looks": 3,
    }
    if transition.to is State.VERIFIED:
        changes["verified_at"] = LATER

    for state, sync in before.items():
        reached = apply(database, sync, verdict)

        moves = state in transition.from_states
        assert (transition.to if moves else None) is reached
        assert rows[state] | (changes if moves else {}) == row(database, sync)


def test_a_verdict_on_a_sync_that_moved_meanwhile_changes_nothing(database: Database) -> None:
    read = put(database, State.PENDING, due_at=NOW)
    apply(database, read, Decision(Event.CANCEL))
    cancelled = row(database, read)

    assert apply(database, read, Decision(Event.CANCEL)) is None
    assert apply(database, read, Decision(Event.VERIFY_WITHOUT_CALL)) is None
    assert cancelled == row(database, read)


def test_a_claim_names_its_syncs_and_counts_an_attempt(database: Database) -> None:
    sync = put(database, due_at=NOW, attempts=2)

    call, won = begin(database, sync)

    assert [find(database, sync.id)] == won
    assert (State.CALLING, call, 3, A, None) == (
        won[0].state,
        won[0].claim,
        won[0].attempts,
        won[0].called_digest,
        won[0].due_at,
    )
    assert [(call, LANE.key, None)] == [
        (row["id"], row["lane"], row["ended_at"]) for row in everything(database, calls)
    ]


def test_what_was_cancelled_since_it_was_read_is_not_won(database: Database) -> None:
    sync, gone = put(database, due_at=NOW), put(database, due_at=NOW, tag="v2")
    apply(database, gone, Decision(Event.CANCEL))

    _, won = begin(database, sync, gone)

    assert [sync.id] == [each.id for each in won]
    assert State.CANCELLED is find(database, gone.id).state


def test_a_call_without_syncs_is_no_call(database: Database) -> None:
    gone = put(database, due_at=NOW)
    apply(database, gone, Decision(Event.CANCEL))

    assert begin(database, gone)[1] == []
    assert everything(database, calls) == []


@pytest.mark.parametrize("event", ANSWERS)
def test_a_late_worker_changes_nothing(database: Database, event: Event) -> None:
    late_call, late = begin(database, put(database, due_at=NOW))
    apply(database, late[0], Decision(Event.REQUEUE, LATER))  # it seemed lost
    begin(database, find(database, late[0].id))
    held = row(database, late[0])

    assert end(database, late_call, late[0], event) == [None]
    assert held == row(database, late[0])


@pytest.mark.parametrize("event", ANSWERS)
def test_a_worker_whose_claim_was_taken_away_changes_nothing(
    database: Database, event: Event
) -> None:
    late_call, late = begin(database, put(database, due_at=NOW))
    apply(database, late[0], Decision(Event.REQUEUE, LATER))
    put_back = row(database, late[0])

    assert end(database, late_call, late[0], event) == [None]
    assert put_back == row(database, late[0])


def test_a_late_workers_answer_is_kept_all_the_same(database: Database) -> None:
    call, won = begin(database, put(database, due_at=NOW))
    apply(database, won[0], Decision(Event.REQUEUE, LATER))

    end(database, call, won[0], Event.REQUEUE)

    ended = everything(database, calls)[0]
    assert (
        ended["ended_at"],
        ended["code"],
        ended["message"],
    ) == (LATER + SECOND, "timeout", "no answer")


@pytest.mark.parametrize("event", ANSWERS)
def test_superseded_while_calling_ends_superseded_whatever_the_answer(
    database: Database, event: Event
) -> None:
    call, won = begin(database, put(database, due_at=NOW))
    with database.write() as connection:
        assert State.CALLING is supersede(connection, won[0].id, HEIR, LATER)
    assert call == find(database, won[0].id).claim

    assert end(database, call, won[0], event) == [State.SUPERSEDED]
    ended = row(database, won[0])
    assert (
        ended["reason"],
        ended["due_at"],
        ended["superseded_by"],
        ended["claim"],
    ) == (LATER_PUSH, None, HEIR, None)


@pytest.mark.parametrize("event", ANSWERS)
def test_cancelled_during_the_call_stays_cancelled(database: Database, event: Event) -> None:
    call, won = begin(database, put(database, due_at=NOW))
    assert State.CANCELLED is apply(database, won[0], Decision(Event.CANCEL))

    assert end(database, call, won[0], event) == [None]
    assert State.CANCELLED is find(database, won[0].id).state
    assert everything(database, calls)[0]["ended_at"] == LATER + SECOND  # the call is recorded


def test_a_call_that_outlives_a_cancel_and_a_retry_does_not_settle_the_new_try(
    database: Database,
) -> None:
    call, won = begin(database, put(database, due_at=NOW))
    apply(database, won[0], Decision(Event.CANCEL))
    apply(database, find(database, won[0].id), Decision(Event.RETRY, LATER))

    assert end(database, call, won[0]) == [None]
    assert State.PENDING is find(database, won[0].id).state


@pytest.mark.parametrize("state", State)
def test_only_an_open_sync_is_superseded(database: Database, state: State) -> None:
    sync = in_every_state(database)[state]
    before = row(database, sync)

    with database.write() as connection:
        reached = supersede(connection, sync.id, HEIR, LATER)

    if state in END_STATES:
        assert reached is None
        assert before == row(database, sync)
    else:
        assert (state if state is State.CALLING else State.SUPERSEDED) is reached
        assert find(database, sync.id).superseded_by == HEIR


def test_a_failed_call_that_did_nothing_leaves_nothing_open(database: Database) -> None:
    refused, won = begin(database, put(database, due_at=NOW))
    end(database, refused, won[0], Event.REJECT)
    unsure, won = begin(database, put(database, due_at=NOW, tag="v2"))
    end(database, unsure, won[0], Event.REQUEUE)

    opened = {row["call"]: row["open"] for row in everything(database, call_tags)}
    assert {refused: False, unsure: True} == opened


def test_of_a_call_with_failed_tags_the_others_stay_open(database: Database) -> None:
    call, won = begin(database, put(database, due_at=NOW), put(database, due_at=NOW, tag="v2"))
    error = SwrError(Kind.PERMANENT, "HTTP.400", "v2 failed", failed_tags=frozenset({"v2"}))
    verdicts = [(won[0], Decision(Event.TRIGGER)), (won[1], Decision(Event.REQUEUE, LATER))]
    with database.write() as connection:
        settle(connection, call, verdicts, error, LATER)

    opened = {row["sync"]: row["open"] for row in everything(database, call_tags)}
    assert {won[0].id: True, won[1].id: False} == opened


def test_a_lanes_syncs_are_judged_when_due_oldest_first(database: Database) -> None:
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

    assert [first, polled, left_behind] == found
    assert [first] == fewest


def test_a_recorded_push_begins_due(database: Database) -> None:
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
