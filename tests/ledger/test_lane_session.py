"""A run of a lane: what it reads when it begins, and that only its holder can change the syncs."""

from datetime import datetime

import pytest

from swrhook.errors import ClaimLost
from swrhook.ledger.calls import open_digests
from swrhook.ledger.database import Database
from swrhook.ledger.lane_queue import free_lanes
from swrhook.ledger.lane_session import (
    LaneSession,
    LaneTransaction,
    SessionLimits,
    open_session,
)
from swrhook.ledger.tables import calls, lanes, syncs
from swrhook.model import State, Sync, Urgency
from swrhook.syncs.decisions import Decision
from swrhook.syncs.states import Event
from tests.factories import LANE, MINUTE, NOW, SECOND, A, everything, find, put, ready_lanes
from tests.ledger.queue import HOLDER, OTHER_HOLDER, lane, place, schedule, take

LIMITS = SessionLimits(syncs=10, calls_within=MINUTE)
CLAIM = Decision(Event.CLAIM, values={"called_digest": A})


def begin(database: Database, until: datetime = NOW, limits: SessionLimits = LIMITS) -> LaneSession:
    """Take LANE and open its session."""
    schedule(database, LANE)
    assert take(database) == LANE
    with database.write() as connection:
        return open_session(database, connection, LANE, HOLDER, until, limits)


def lose(database: Database) -> None:
    """Let another process take over the lane of a run."""
    with database.write() as connection:
        free_lanes(connection, lanes.c.holder == HOLDER)
    assert take(database, holder=OTHER_HOLDER) == LANE


def ids(syncs: list[Sync]) -> list[str]:
    return [sync.id for sync in syncs]


# What a session begins with


def test_a_session_has_the_syncs_that_are_due(database: Database) -> None:
    due = put(database, due_at=NOW - SECOND)
    polled = put(database, State.TRIGGERED, tag="v2", due_at=NOW, urgency=Urgency.PROOF)
    put(database, tag="v3", due_at=NOW + SECOND)
    put(database, State.VERIFIED, tag="v4")
    put(database, lane=lane("other"), tag="v5", due_at=NOW)

    session = begin(database)

    assert (session.lane, session.holder) == (LANE, HOLDER)
    assert session.syncs == [due, polled]
    assert session.open_digests == {}


def test_a_session_has_no_more_syncs_than_its_limit(database: Database) -> None:
    for number in range(5):
        put(database, tag=f"v{number}", due_at=NOW)

    session = begin(database, limits=SessionLimits(3, MINUTE))

    assert [sync.tag for sync in session.syncs] == ["v0", "v1", "v2"]


def test_a_session_knows_what_recent_calls_may_still_copy(database: Database) -> None:
    recent, old = put(database), put(database, tag="v2")
    session = begin(database)
    with session.transaction() as transaction:
        for sync, at in ((recent, NOW), (old, NOW - 2 * MINUTE)):
            call, claimed = transaction.claim([(sync, CLAIM)], frozenset(), at)
            transaction.settle(call, [(claimed[0], Decision(Event.TRIGGER, at))], None, at)
        transaction.release(NOW)

    assert begin(database, until=NOW + SECOND).open_digests == {recent.route: {A}}


def test_a_lane_without_due_syncs_has_an_empty_session(database: Database) -> None:
    session = begin(database)

    assert (session.syncs, session.open_digests) == ([], {})


# What a transaction changes


def test_a_run_changes_its_syncs_and_releases_its_lane(database: Database) -> None:
    first, second = put(database, due_at=NOW), put(database, tag="v2", due_at=NOW)
    session = begin(database)

    with session.transaction() as transaction:
        postponed = Decision(Event.POSTPONE, NOW + MINUTE, "why")
        assert transaction.apply([(first, postponed)], NOW) == [State.PENDING]
        call, [claimed] = transaction.claim([(second, CLAIM)], frozenset(), NOW)
    assert place(database)[2:] == (False, HOLDER)  # it goes on until it is released
    with session.transaction() as transaction:
        triggered = [(claimed, Decision(Event.TRIGGER, NOW + SECOND))]
        assert transaction.settle(call, triggered, None, NOW) == [State.TRIGGERED]
        assert transaction.open_digests([second.route], NOW - SECOND) == {second.route: {A}}
        transaction.close_calls(second.route)
        assert transaction.open_digests([second.route], NOW - SECOND) == {}
        assert transaction.release(NOW) == NOW + SECOND

    assert place(database)[1:] == (NOW + SECOND, False, None)
    assert [find(database, sync.id).state for sync in (first, second)] == [
        State.PENDING,
        State.TRIGGERED,
    ]


def test_a_decision_about_a_sync_that_changed_meanwhile_does_nothing(database: Database) -> None:
    sync = put(database, due_at=NOW)
    session = begin(database)
    with database.write() as connection:
        connection.execute(syncs.update().values(state=State.CANCELLED.value, due_at=None))

    with session.transaction() as transaction:
        decided = [(sync, Decision(Event.POSTPONE, NOW + MINUTE))]
        assert transaction.apply(decided, NOW) == [None]


def test_a_transaction_that_fails_changes_nothing(database: Database) -> None:
    sync = put(database, due_at=NOW)
    session = begin(database)
    before = everything(database, lanes), everything(database, syncs)

    with pytest.raises(ZeroDivisionError), session.transaction() as transaction:
        _release_and_fail(transaction, sync)

    assert (everything(database, lanes), everything(database, syncs)) == before


def _release_and_fail(transaction: LaneTransaction, sync: Sync) -> None:
    transaction.apply([(sync, Decision(Event.POSTPONE, NOW + MINUTE))], NOW)
    transaction.release(NOW)
    raise ZeroDivisionError


def test_a_postponed_lane_is_due_again_then(database: Database) -> None:
    put(database, due_at=NOW)

    begin(database).postpone(NOW, NOW + 5 * SECOND)

    assert place(database)[1:] == (NOW + 5 * SECOND, False, None)


# Who may change it


@pytest.mark.on("postgresql")
@pytest.mark.parametrize("is_taken_again", [True, False], ids=["runs elsewhere", "waits"])
def test_a_run_that_lost_its_lane_changes_nothing(
    database: Database, *, is_taken_again: bool
) -> None:
    sync = put(database, due_at=NOW)
    session = begin(database)
    with database.write() as connection:
        free_lanes(connection)
    if is_taken_again:
        assert take(database, holder=OTHER_HOLDER) == LANE
    before = everything(database, lanes), everything(database, syncs)

    with pytest.raises(ClaimLost), session.transaction() as transaction:
        transaction.claim([(sync, CLAIM)], frozenset(), NOW)
    with pytest.raises(ClaimLost):
        session.postpone(NOW, NOW + MINUTE)

    assert (everything(database, lanes), everything(database, syncs)) == before
    assert everything(database, calls) == []


@pytest.mark.on("postgresql")
def test_the_late_answer_of_a_call_settles_nothing(database: Database) -> None:
    sync = put(database, due_at=NOW)
    session = begin(database)
    with session.transaction() as transaction:
        call, [claimed] = transaction.claim([(sync, CLAIM)], frozenset(), NOW)
    lose(database)

    with pytest.raises(ClaimLost), session.transaction() as transaction:
        transaction.settle(call, [(claimed, Decision(Event.TRIGGER, NOW))], None, NOW)

    assert find(database, sync.id) == claimed
    assert [row["ended_at"] for row in everything(database, calls)] == [None]


@pytest.mark.on("postgresql")
def test_a_process_that_takes_its_own_lane_again_holds_it(database: Database) -> None:
    put(database, due_at=NOW)
    session = begin(database)
    session.postpone(NOW, NOW)
    assert ready_lanes(database) == [LANE]
    with pytest.raises(ClaimLost):
        session.postpone(NOW, NOW)

    begin(database).postpone(NOW, NOW + MINUTE)

    with database.read() as connection:
        assert open_digests(connection, ["none"], NOW) == {}
    assert place(database)[1:] == (NOW + MINUTE, False, None)
