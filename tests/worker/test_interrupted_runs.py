"""Runs of a lane that a later push, an operator, a crash or another worker interrupts."""

from contextlib import nullcontext

import pytest

from swrhook.errors import ClaimLost, Kind
from swrhook.ledger.syncs import apply_decision
from swrhook.ledger.tables import calls
from swrhook.model import State, Sync
from swrhook.syncs.decisions import Decision
from swrhook.syncs.states import Event
from tests.factories import LANE, NOW, A, B, everything, find
from tests.worker.harness import WorkerHarness, config, error
from tests.worker.runs import OVERRIDE, Killed, killed, row

# Later pushes, operators


def test_two_pushes_of_a_tag_before_the_call_need_one_call(harness: WorkerHarness) -> None:
    harness.swr.put("v1", B)
    [first] = harness.push("v1", digest=A)
    [second] = harness.push("v1", digest=B)

    harness.run_until_quiet()

    assert harness.states([first, second]) == [State.SUPERSEDED, State.VERIFIED]
    assert harness.swr.tags_called == [["v1"]]


def test_a_push_during_the_call_supersedes_the_sync_and_is_synced(harness: WorkerHarness) -> None:
    harness.swr.put("v1", A, OVERRIDE)
    later: list[Sync] = []

    def push_b() -> None:
        harness.swr.copy(OVERRIDE, "v1")
        harness.swr.put("v1", B, OVERRIDE)
        later.extend(harness.push("v1", digest=B, override=True))

    harness.swr.copies = False
    harness.swr.answers = [push_b]
    [first] = harness.push("v1", digest=A, override=True)
    harness.run(OVERRIDE)

    assert harness.state(first) is State.SUPERSEDED
    assert find(harness.database, first.id).superseded_by == later[0].id
    assert [state for _, state, _ in harness.outcomes.synced] == [State.SUPERSEDED]
    harness.swr.copies = True
    harness.run_until_quiet(OVERRIDE)
    assert harness.state(later[0]) is State.VERIFIED
    assert [find(harness.database, sync.id).called_digest for sync in (first, later[0])] == [A, B]


def test_a_sync_cancelled_during_its_call_stays_cancelled(harness: WorkerHarness) -> None:
    harness.swr.put("v1", A)
    [sync] = harness.push("v1")

    def cancel() -> None:
        with harness.database.write() as connection:
            apply_decision(connection, find(harness.database, sync.id), Decision(Event.CANCEL), NOW)

    harness.swr.answers = [cancel]

    assert harness.run() is None
    assert harness.state(sync) is State.CANCELLED
    assert [call["ended_at"] for call in everything(harness.database, calls)] == [NOW]
    assert harness.outcomes.synced == []


# Crashes and late workers


def test_a_sync_is_called_for_again_at_once_after_a_crash(harness: WorkerHarness) -> None:
    harness.swr.put("v1", A)
    harness.swr.answers = [killed]
    [sync] = harness.push("v1")
    with pytest.raises(Killed):
        harness.run()
    assert harness.state(sync) is State.CALLING

    assert harness.run() == NOW  # another runner, on the same ledger
    assert harness.state(sync) is State.PENDING
    harness.run_until_quiet()

    assert harness.state(sync) is State.VERIFIED
    assert harness.swr.tags_called == [["v1"], ["v1"]]
    assert find(harness.database, sync.id).attempts == 2


def test_no_second_call_is_made_if_the_copy_was_done_before_the_crash(
    harness: WorkerHarness,
) -> None:
    harness.swr.put("v1", A)

    def copied_and_killed() -> None:
        harness.swr.copy(LANE, "v1")
        raise Killed

    harness.swr.answers = [copied_and_killed]
    [sync] = harness.push("v1")
    with pytest.raises(Killed):
        harness.run()

    harness.run_until_quiet()

    assert harness.state(sync) is State.VERIFIED
    assert harness.swr.tags_called == [["v1"]]


def test_a_tag_that_kills_every_worker_is_given_up(harness: WorkerHarness) -> None:
    harness.swr.put("v1", A)
    harness.swr.answers = [killed] * 99
    [sync] = harness.push("v1")
    deaths = 0
    due_at: object = NOW
    while due_at is not None:
        harness.clock.advance(600)
        try:
            due_at = harness.run()
        except Killed:
            deaths += 1

    assert (deaths, harness.state(sync)) == (5, State.EXHAUSTED)
    assert harness.swr.tags_called == [["v1"]] * 5


def test_a_late_worker_changes_nothing(harness: WorkerHarness) -> None:
    harness.swr.put("v1", A)
    harness.swr.copies = False
    [sync] = harness.push("v1")
    seen: list[dict[str, object]] = []

    def taken_over() -> None:  # the engine took this worker for dead
        harness.run()
        harness.run()
        seen.append(row(harness, sync))
        raise error(Kind.CONFIGURATION)

    harness.swr.answers = [taken_over]
    # On SQLite, where nobody can take a lane over, the claim token alone protects the sync.
    with nullcontext() if harness.database.is_sqlite else pytest.raises(ClaimLost):
        harness.run()

    assert [row(harness, sync)] == seen
    assert harness.state(sync) is State.TRIGGERED
    harness.swr.copy(LANE, "v1")
    harness.run_until_quiet()
    assert harness.state(sync) is State.VERIFIED


def test_a_sync_left_in_calling_is_found_behind_many_others(harness: WorkerHarness) -> None:
    harness.config = config(batch=1)  # a run takes two syncs
    harness.swr.copies = False
    for tag in ("v1", "v2", "v3"):
        harness.swr.put(tag, A)
    pushed = harness.push("v1", "v2")
    harness.run()
    harness.run()
    harness.clock.advance(0.1)
    pushed += harness.push("v3")
    harness.swr.answers = [killed]
    with pytest.raises(Killed):
        harness.run()
    assert harness.states(pushed) == [State.TRIGGERED, State.TRIGGERED, State.CALLING]
    for tag in ("v1", "v2", "v3"):
        harness.swr.copy(LANE, tag)
    harness.clock.advance(60)

    harness.run_until_quiet()

    assert harness.states(pushed) == [State.VERIFIED] * 3
