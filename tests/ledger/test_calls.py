"""Calls of sync_images: claims, their results, and workers that come too late."""

from typing import Any

import pytest

from swrhook.errors import Kind, SwrError
from swrhook.ledger.calls import claim, settle
from swrhook.ledger.database import Database
from swrhook.ledger.syncs import LATER_PUSH, apply_decision, supersede
from swrhook.ledger.tables import call_tags, calls, syncs
from swrhook.model import State, Sync
from swrhook.syncs.decisions import Decision
from swrhook.syncs.states import Event
from tests.factories import (
    LANE,
    MINUTE,
    NOW,
    SECOND,
    A,
    everything,
    find,
    put,
)

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


def test_a_claim_names_its_syncs_and_counts_an_attempt(database: Database) -> None:
    sync = put(database, due_at=NOW, attempts=2)

    call, won = begin(database, sync)

    assert [find(database, sync.id)] == won
    assert (
        won[0].state,
        won[0].claim,
        won[0].attempts,
        won[0].called_digest,
        won[0].due_at,
    ) == (State.CALLING, call, 3, A, LATER)
    assert [(row["id"], row["lane"], row["ended_at"]) for row in everything(database, calls)] == [
        (call, LANE.key, None)
    ]


def test_a_sync_that_was_cancelled_since_it_was_read_is_not_claimed(database: Database) -> None:
    sync, gone = put(database, due_at=NOW), put(database, due_at=NOW, tag="v2")
    apply(database, gone, Decision(Event.CANCEL))

    _, won = begin(database, sync, gone)

    assert [sync.id] == [each.id for each in won]
    assert find(database, gone.id).state is State.CANCELLED


def test_without_claimed_syncs_no_call_is_recorded(database: Database) -> None:
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
    assert row(database, late[0]) == held


@pytest.mark.parametrize("event", ANSWERS)
def test_a_worker_that_lost_its_claim_changes_nothing(database: Database, event: Event) -> None:
    late_call, late = begin(database, put(database, due_at=NOW))
    apply(database, late[0], Decision(Event.REQUEUE, LATER))
    put_back = row(database, late[0])

    assert end(database, late_call, late[0], event) == [None]
    assert row(database, late[0]) == put_back


def test_the_result_of_a_late_call_is_recorded_all_the_same(database: Database) -> None:
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
def test_a_sync_superseded_during_its_call_ends_superseded_whatever_the_result(
    database: Database, event: Event
) -> None:
    call, won = begin(database, put(database, due_at=NOW))
    with database.write() as connection:
        assert supersede(connection, won[0].id, HEIR, LATER) is State.CALLING
    assert find(database, won[0].id).claim == call

    assert end(database, call, won[0], event) == [State.SUPERSEDED]
    ended = row(database, won[0])
    assert (
        ended["reason"],
        ended["due_at"],
        ended["superseded_by"],
        ended["claim"],
    ) == (LATER_PUSH, None, HEIR, None)


@pytest.mark.parametrize("event", ANSWERS)
def test_a_sync_cancelled_during_its_call_stays_cancelled(database: Database, event: Event) -> None:
    call, won = begin(database, put(database, due_at=NOW))
    assert apply(database, won[0], Decision(Event.CANCEL)) is State.CANCELLED

    assert end(database, call, won[0], event) == [None]
    assert find(database, won[0].id).state is State.CANCELLED
    assert everything(database, calls)[0]["ended_at"] == LATER + SECOND  # the call is recorded


def test_a_call_from_before_a_cancel_and_a_retry_does_not_settle_the_retried_sync(
    database: Database,
) -> None:
    call, won = begin(database, put(database, due_at=NOW))
    apply(database, won[0], Decision(Event.CANCEL))
    apply(database, find(database, won[0].id), Decision(Event.RETRY, LATER))

    assert end(database, call, won[0]) == [None]
    assert find(database, won[0].id).state is State.PENDING


def test_a_failed_call_without_effect_is_not_left_open(database: Database) -> None:
    refused, won = begin(database, put(database, due_at=NOW))
    end(database, refused, won[0], Event.REJECT)
    unsure, won = begin(database, put(database, due_at=NOW, tag="v2"))
    end(database, unsure, won[0], Event.REQUEUE)

    opened = {row["call"]: row["open"] for row in everything(database, call_tags)}
    assert opened == {refused: False, unsure: True}


def test_in_a_call_with_failed_tags_the_other_tags_stay_open(database: Database) -> None:
    call, won = begin(database, put(database, due_at=NOW), put(database, due_at=NOW, tag="v2"))
    error = SwrError(Kind.PERMANENT, "HTTP.400", "v2 failed", failed_tags=frozenset({"v2"}))
    verdicts = [(won[0], Decision(Event.TRIGGER)), (won[1], Decision(Event.REQUEUE, LATER))]
    with database.write() as connection:
        settle(connection, call, verdicts, error, LATER)

    opened = {row["sync"]: row["open"] for row in everything(database, call_tags)}
    assert opened == {won[0].id: True, won[1].id: False}
