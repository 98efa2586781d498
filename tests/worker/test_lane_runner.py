"""Runs of a lane on a real ledger: what is called, and what becomes of the syncs."""

from dataclasses import replace
from datetime import timedelta

import pytest

from swrhook.errors import Kind, SwrError
from swrhook.ledger.syncs import apply_decision
from swrhook.ledger.tables import calls, syncs
from swrhook.model import State, Sync
from swrhook.swr.protocol import SyncJob
from swrhook.syncs.backoff import Backoff, Retry, Verify
from swrhook.syncs.decisions import HOLD_INTERVAL, Decision
from swrhook.syncs.states import Event
from tests.factories import LANE, MINUTE, NOW, SECOND, TARGET, A, B, C, everything, find
from tests.worker.harness import REGIONS, WorkerHarness, config, error

OVERRIDE = replace(LANE, override=True)


class Killed(Exception):
    """The process ends here."""


def killed() -> None:
    raise Killed


def row(harness: WorkerHarness, sync: Sync) -> dict[str, object]:
    return next(row for row in everything(harness.database, syncs) if row["id"] == sync.id)


def job(harness: WorkerHarness, status: str, tag: str = "v1") -> SyncJob:
    return SyncJob(tag, status, TARGET, harness.clock.time)


# The usual case


def test_a_pushed_tag_is_called_for_and_verified(harness: WorkerHarness) -> None:
    harness.swr.put("v1", A)
    [sync] = harness.push("v1", digest=A)

    due_at = harness.run()

    assert harness.state(sync) is State.TRIGGERED
    assert due_at == NOW + SECOND
    harness.run_until_quiet()
    assert (
        harness.state(sync),
        find(harness.database, sync.id).attempts,
        find(harness.database, sync.id).called_digest,
    ) == (State.VERIFIED, 1, A)
    assert harness.swr.calls == [(LANE, ["v1"])]
    assert [state for _, state, _ in harness.outcomes.synced] == [State.TRIGGERED, State.VERIFIED]


def test_a_single_tag_is_called_for_at_once(harness: WorkerHarness) -> None:
    harness.swr.put("v1", A)
    harness.push("v1", digest=A)

    harness.run()

    assert harness.swr.tags_called == [["v1"]]
    assert harness.clock.time == NOW


def test_a_tag_that_the_target_holds_already_is_verified_without_a_call(
    harness: WorkerHarness,
) -> None:
    harness.swr.put("v1", A)
    harness.swr.put_at_target("v1", A)
    [sync] = harness.push("v1", digest=A)

    assert harness.run() is None
    assert harness.state(sync) is State.VERIFIED
    assert harness.swr.calls == []


def test_the_digest_at_the_source_counts_not_the_announced_one(harness: WorkerHarness) -> None:
    harness.swr.put("v1", B)
    [sync] = harness.push("v1", digest=A)

    harness.run_until_quiet()

    assert harness.state(sync) is State.VERIFIED
    assert find(harness.database, sync.id).called_digest == B


def test_a_sync_waits_for_a_tag_that_is_not_at_the_source_yet(harness: WorkerHarness) -> None:
    [sync] = harness.push("v1", digest=A)
    assert harness.run() == NOW + SECOND
    assert (harness.state(sync), find(harness.database, sync.id).attempts) == (State.PENDING, 0)

    harness.clock.advance(5)
    harness.swr.put("v1", A)
    harness.run_until_quiet()

    assert harness.state(sync) is State.VERIFIED
    assert find(harness.database, sync.id).attempts == 1


def test_a_tag_that_never_appears_at_the_source_is_missing(harness: WorkerHarness) -> None:
    [sync] = harness.push("v1", digest=A)

    harness.run_until_quiet()

    assert harness.state(sync) is State.MISSING
    assert row(harness, sync)["reason"] == "never appeared in the source region"
    assert harness.swr.calls == []
    took = harness.clock.time - NOW
    assert timedelta(minutes=30) <= took <= timedelta(minutes=31)


def test_a_lane_without_due_syncs_sends_no_request(harness: WorkerHarness) -> None:
    assert harness.run() is None
    assert harness.swr.looks == []


# Many tags


def test_many_tags_are_read_with_one_list_and_copied_with_one_call(harness: WorkerHarness) -> None:
    tags = [f"v{n}" for n in range(50)]
    for tag in tags:
        harness.swr.put(tag, A)
    pushed = harness.push(*tags, digest=A)

    harness.run()

    assert harness.swr.tags_called == [sorted(tags)]
    assert [region for region, _ in harness.swr.lists] == ["cn-north-4", "cn-east-3"]
    harness.run_until_quiet()
    assert harness.states(pushed) == [State.VERIFIED] * 50


def test_a_call_carries_no_more_than_a_batch(harness: WorkerHarness) -> None:
    harness.config = config(batch=10)
    tags = [f"v{n}" for n in range(25)]
    for tag in tags:
        harness.swr.put(tag, A)
    pushed = harness.push(*tags, digest=A)

    harness.run_until_quiet()

    assert [len(called) for called in harness.swr.tags_called] == [10, 10, 5]
    assert sorted(tag for called in harness.swr.tags_called for tag in called) == sorted(tags)
    assert harness.states(pushed) == [State.VERIFIED] * 25


def test_tags_pushed_during_a_call_share_the_next_call(harness: WorkerHarness) -> None:
    later: list[Sync] = []
    for tag in ("v1", "v2", "v3", "v4"):
        harness.swr.put(tag, A)
    harness.swr.answers = [lambda: later.extend(harness.push("v2", "v3") + harness.push("v4"))]
    first = harness.push("v1")

    due_at = harness.run()
    assert due_at == NOW  # at once
    harness.run()

    assert harness.swr.tags_called == [["v1"], ["v2", "v3", "v4"]]
    harness.run_until_quiet()
    assert harness.states([*first, *later]) == [State.VERIFIED] * 4


def test_only_the_tags_that_failed_are_called_for_again(harness: WorkerHarness) -> None:
    for tag in ("v1", "v2", "v3"):
        harness.swr.put(tag, A)
    harness.swr.answers = [error(Kind.PERMANENT, "v2")]
    pushed = harness.push("v1", "v2", "v3")

    harness.run()

    assert harness.states(pushed) == [State.TRIGGERED, State.PENDING, State.TRIGGERED]
    assert row(harness, pushed[1])["error_code"] == "A.permanent"
    for tag in ("v1", "v3"):
        harness.swr.copy(LANE, tag)
    harness.run_until_quiet()
    assert harness.states(pushed) == [State.VERIFIED] * 3
    assert harness.swr.tags_called == [["v1", "v2", "v3"], ["v2"]]


def test_a_tag_that_fails_its_whole_call_is_found_by_single_calls(harness: WorkerHarness) -> None:
    for tag in ("v1", "v2", "v3"):
        harness.swr.put(tag, A)
    broken = error(Kind.PERMANENT)
    harness.swr.answers = [broken, None, broken, None]
    pushed = harness.push("v1", "v2", "v3")

    harness.run_until_quiet()

    assert [len(called) for called in harness.swr.tags_called] == [3, 1, 1, 1]
    spoilt = harness.swr.tags_called[2][0]
    expected = [State.REJECTED if s.tag == spoilt else State.VERIFIED for s in pushed]
    assert harness.states(pushed) == expected


def test_a_missing_tag_does_not_delay_the_others(harness: WorkerHarness) -> None:
    harness.swr.put("v1", A)
    harness.swr.put("v3", A)
    pushed = harness.push("v1", "v2", "v3")

    harness.run()

    assert harness.swr.tags_called == [["v1", "v3"]]
    assert harness.states(pushed) == [State.TRIGGERED, State.PENDING, State.TRIGGERED]


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


# Answers of SWR


@pytest.mark.parametrize("kind", [Kind.TRANSIENT, Kind.THROTTLED, Kind.AUTHENTICATION])
def test_a_call_that_fails_for_a_while_succeeds_in_the_end(
    harness: WorkerHarness, kind: Kind
) -> None:
    harness.swr.put("v1", A)
    harness.swr.answers = [error(kind, retry_after=30.0)] * 3
    [sync] = harness.push("v1")

    harness.run_until_quiet()

    assert (harness.state(sync), find(harness.database, sync.id).attempts) == (State.VERIFIED, 4)
    assert harness.clock.time >= NOW + 90 * SECOND


def test_a_call_that_fails_for_too_long_exhausts(harness: WorkerHarness) -> None:
    retry = Retry(Backoff(timedelta(minutes=1), timedelta(hours=1)), timedelta(hours=3))
    harness.config = config(retry=retry)
    harness.swr.put("v1", A)
    harness.swr.answers = [error()] * 999
    [sync] = harness.push("v1")

    harness.run_until_quiet()

    assert harness.state(sync) is State.EXHAUSTED
    assert harness.clock.time >= NOW + timedelta(hours=3)


@pytest.mark.parametrize("kind", [Kind.PERMANENT, Kind.CONFIGURATION])
def test_a_call_that_can_never_succeed_is_rejected_with_the_remedy(
    harness: WorkerHarness, kind: Kind
) -> None:
    harness.swr.put("v1", A)
    harness.swr.answers = [SwrError(kind, "SVC.1", "what SWR said", remedy="what to do")]
    [sync] = harness.push("v1")

    assert harness.run() is None

    rejected = row(harness, sync)
    assert (
        rejected["state"],
        rejected["error_code"],
        rejected["error_message"],
        rejected["error_remedy"],
    ) == ("rejected", "SVC.1", "what SWR said", "what to do")


def test_a_call_answered_not_yet_is_repeated_and_counts_no_attempt(harness: WorkerHarness) -> None:
    harness.swr.put("v1", A)
    harness.swr.answers = [error(Kind.NOT_YET)]
    [sync] = harness.push("v1")

    harness.run()

    assert (harness.state(sync), find(harness.database, sync.id).attempts) == (State.PENDING, 0)
    harness.run_until_quiet()
    assert (harness.state(sync), find(harness.database, sync.id).attempts) == (State.VERIFIED, 1)


def test_a_missing_organization_is_rejected_without_a_call(harness: WorkerHarness) -> None:
    harness.swr.put("v1", A)
    harness.swr.foreign = {TARGET.region}
    [sync] = harness.push("v1")

    assert harness.run() is None

    rejected = row(harness, sync)
    assert harness.state(sync) is State.REJECTED
    assert rejected["error_message"] == "cn-east-3 has no organization team that is ours"
    assert "create the organization team in cn-east-3" in str(rejected["error_remedy"])
    assert harness.swr.calls == []


def test_a_missing_organization_rejects_no_sync_whose_tag_is_not_at_the_source_yet(
    harness: WorkerHarness,
) -> None:
    harness.swr.foreign = {TARGET.region}
    [sync] = harness.push("v1")

    harness.run()

    assert harness.state(sync) is State.PENDING


# Regions that cannot be read


def test_a_source_that_fails_is_read_again_later(harness: WorkerHarness) -> None:
    harness.swr.put("v1", A)
    harness.swr.hidden[LANE.source_region] = error()
    [sync] = harness.push("v1")
    harness.run()
    assert (harness.state(sync), harness.swr.calls) == (State.PENDING, [])

    harness.swr.hidden.clear()
    harness.run_until_quiet()

    assert harness.state(sync) is State.VERIFIED


def test_a_call_is_made_without_reading_a_source_that_we_may_not_read(
    harness: WorkerHarness,
) -> None:
    harness.swr.put("v1", A)
    harness.swr.hidden[LANE.source_region] = error(Kind.CONFIGURATION)
    [sync] = harness.push("v1", digest=A)

    harness.run_until_quiet()

    assert harness.state(sync) is State.VERIFIED  # by the announced digest
    assert harness.clock.time - NOW < MINUTE  # its own call is no other call


def test_a_sync_is_unverified_if_we_may_not_read_its_target(harness: WorkerHarness) -> None:
    harness.swr.put("v1", A)
    harness.swr.hidden[TARGET.region] = error(Kind.CONFIGURATION)
    [sync] = harness.push("v1", digest=A)

    harness.run_until_quiet()

    assert harness.state(sync) is State.UNVERIFIED
    assert harness.swr.tags_called == [["v1"]]


def test_a_sync_is_called_for_again_if_its_target_is_unreadable_and_its_job_failed(
    harness: WorkerHarness,
) -> None:
    harness.swr.put("v1", A)
    harness.swr.hidden[TARGET.region] = error(Kind.CONFIGURATION)
    [sync] = harness.push("v1", digest=A)
    harness.run()
    harness.swr.jobs = [job(harness, "failed")]
    harness.clock.advance(1)

    harness.run()

    assert harness.state(sync) is State.PENDING
    assert row(harness, sync)["reason"] == "SWR's job ended: failed: called again"


def test_a_target_that_fails_for_a_while_is_polled_until_it_answers(harness: WorkerHarness) -> None:
    harness.swr.put("v1", A)
    [sync] = harness.push("v1", digest=A)
    harness.run()
    harness.swr.hidden[TARGET.region] = error()
    for _ in range(20):  # an hour: twice verify's deadline
        harness.clock.advance(180)
        harness.run()
    assert harness.state(sync) is State.TRIGGERED

    harness.swr.hidden.clear()
    harness.run_until_quiet()

    assert (harness.state(sync), harness.swr.tags_called) == (State.VERIFIED, [["v1"]])


# After a call


def test_a_tag_that_moved_after_the_call_is_called_for_again(harness: WorkerHarness) -> None:
    harness.swr.put("v1", A, OVERRIDE)
    [sync] = harness.push("v1", digest=A, override=True)
    harness.run(OVERRIDE)
    harness.swr.put("v1", B, OVERRIDE)

    harness.run_until_quiet(OVERRIDE)

    assert (
        harness.state(sync),
        find(harness.database, sync.id).called_digest,
    ) == (State.VERIFIED, B)
    assert find(harness.database, sync.id).retriggers == 0


def test_a_target_with_another_digest_has_diverged(harness: WorkerHarness) -> None:
    harness.swr.put("v1", A)
    harness.swr.put_at_target("v1", B)
    [sync] = harness.push("v1", digest=A)

    harness.run_until_quiet()

    assert harness.state(sync) is State.DIVERGED
    assert row(harness, sync)["reason"] == f"the target has {B}, the source {A}"


def test_a_call_without_effect_is_repeated_as_often_as_configured(harness: WorkerHarness) -> None:
    harness.config = config(verify=Verify(deadline=timedelta(minutes=3)))
    harness.swr.put("v1", A)
    harness.swr.copies = False
    [sync] = harness.push("v1", digest=A)

    harness.run_until_quiet()

    assert harness.state(sync) is State.MISSING
    assert harness.swr.tags_called == [["v1"]] * 4  # the first, and verify.retriggers
    assert harness.clock.time - NOW >= 4 * timedelta(minutes=3)


def test_a_failed_job_is_repeated_before_the_verify_deadline(harness: WorkerHarness) -> None:
    harness.swr.put("v1", A)
    harness.swr.copies = False
    [sync] = harness.push("v1", digest=A)
    harness.run()
    harness.swr.jobs = [job(harness, "failed")]
    harness.clock.advance(1)
    harness.run()  # the first read does not ask for the job
    harness.clock.advance(2)
    harness.run()
    assert harness.state(sync) is State.PENDING

    harness.swr.copies = True
    harness.swr.jobs = []
    harness.run_until_quiet()

    assert harness.state(sync) is State.VERIFIED
    assert harness.clock.time - NOW < MINUTE


def test_a_sync_is_not_verified_while_an_earlier_call_may_still_copy(
    harness: WorkerHarness,
) -> None:
    # A is called for and slow; the tag moves to B, which is called for and comes first.
    harness.swr.copies = False
    harness.swr.put("v1", A, OVERRIDE)
    [first] = harness.push("v1", digest=A, override=True)
    harness.run(OVERRIDE)
    harness.swr.put("v1", B, OVERRIDE)
    [second] = harness.push("v1", digest=B, override=True)
    harness.run(OVERRIDE)
    harness.swr.put_at_target("v1", B, OVERRIDE)
    harness.clock.advance(1)
    harness.run(OVERRIDE)
    assert harness.states([first, second]) == [State.SUPERSEDED, State.TRIGGERED]

    harness.swr.put_at_target("v1", A, OVERRIDE)  # the slow call's copy
    harness.swr.copies = True
    harness.run_until_quiet(OVERRIDE)

    assert harness.state(second) is State.VERIFIED
    assert harness.swr.held[TARGET.region, "team", "web/shop", "v1"] == B


def test_a_second_call_for_a_digest_stays_open_when_the_first_copied_it(
    harness: WorkerHarness,
) -> None:
    # SWR takes the first call for A, and the answer is lost: A is called for twice.
    harness.swr.copies = False
    harness.swr.put("v1", A, OVERRIDE)
    harness.swr.answers = [error(Kind.TRANSIENT)]
    harness.push("v1", digest=A, override=True)
    harness.run(OVERRIDE)
    harness.clock.advance(1)
    harness.run(OVERRIDE)
    assert harness.swr.tags_called == [["v1"]] * 2
    harness.swr.put_at_target("v1", A, OVERRIDE)  # the copy of one of them
    harness.clock.advance(1)
    harness.run(OVERRIDE)
    harness.swr.put("v1", B, OVERRIDE)
    [second] = harness.push("v1", digest=B, override=True)
    harness.run(OVERRIDE)
    harness.swr.put_at_target("v1", B, OVERRIDE)
    harness.clock.advance(1)

    harness.run(OVERRIDE)

    assert harness.state(second) is State.TRIGGERED
    harness.swr.put_at_target("v1", A, OVERRIDE)  # the other one's
    harness.swr.copies = True
    harness.run_until_quiet(OVERRIDE)
    assert harness.state(second) is State.VERIFIED
    assert harness.swr.held[TARGET.region, "team", "web/shop", "v1"] == B


def test_a_sync_does_not_wait_for_a_call_that_was_refused(harness: WorkerHarness) -> None:
    harness.swr.put("v1", A, OVERRIDE)
    harness.swr.answers = [error(Kind.THROTTLED)]
    harness.push("v1", digest=A, override=True)
    harness.run(OVERRIDE)
    harness.swr.put("v1", B, OVERRIDE)
    [second] = harness.push("v1", digest=B, override=True)

    harness.run_until_quiet(OVERRIDE)

    assert harness.state(second) is State.VERIFIED
    assert harness.clock.time - NOW < MINUTE


def test_a_tag_moved_back_waits_for_the_call_in_between(harness: WorkerHarness) -> None:
    harness.swr.put("v1", A, OVERRIDE)
    harness.push("v1", digest=A, override=True)
    harness.run_until_quiet(OVERRIDE)
    harness.swr.copies = False
    harness.swr.put("v1", B, OVERRIDE)
    harness.push("v1", digest=B, override=True)
    harness.run(OVERRIDE)  # the copy of B is in progress
    harness.swr.put("v1", A, OVERRIDE)
    [back] = harness.push("v1", digest=A, override=True)

    harness.run(OVERRIDE)

    assert harness.state(back) is State.TRIGGERED  # though the target holds A
    harness.swr.put_at_target("v1", B, OVERRIDE)
    harness.clock.advance(1)
    harness.run(OVERRIDE)
    assert harness.state(back) is State.TRIGGERED
    harness.swr.copies = True
    harness.run_until_quiet(OVERRIDE)
    assert harness.state(back) is State.VERIFIED
    assert harness.swr.held[TARGET.region, "team", "web/shop", "v1"] == A


# Configuration and rate limit


def test_syncs_of_a_region_removed_from_the_configuration_are_held_with_the_reason(
    harness: WorkerHarness,
) -> None:
    for tag in ("v1", "v2", "v3"):
        harness.swr.put(tag, A)
    [triggered] = harness.push("v1")
    harness.run()
    harness.swr.answers = [killed]
    [calling] = harness.push("v2")
    with pytest.raises(Killed):
        harness.run()
    [pending] = harness.push("v3")
    syncs_held = [triggered, calling, pending]
    harness.config = config("cn-north-4", "ap-southeast-1")
    harness.clock.advance(10)

    assert harness.run() == harness.clock.time + HOLD_INTERVAL

    assert harness.states(syncs_held) == [State.TRIGGERED, State.PENDING, State.PENDING]
    assert [row(harness, sync)["reason"] for sync in syncs_held] == [
        "region cn-east-3 is not in the configuration"
    ] * 3
    harness.config = config(*REGIONS)
    harness.run_until_quiet()
    assert harness.states(syncs_held) == [State.VERIFIED] * 3


def test_a_sync_left_in_calling_is_held_too(harness: WorkerHarness) -> None:
    harness.swr.put("v1", A)
    harness.swr.answers = [killed]
    [sync] = harness.push("v1")
    with pytest.raises(Killed):
        harness.run()
    harness.config = config("cn-north-4")

    assert harness.run() == NOW + HOLD_INTERVAL  # not None, which means never
    assert row(harness, sync)["reason"] == "region cn-east-3 is not in the configuration"


def test_requests_keep_to_the_rate_limit(harness: WorkerHarness) -> None:
    harness.config = replace(config(), options=replace(config().options, batch=1))
    per_second = harness.config.options.pace.per_second
    tags = [f"v{n}" for n in range(per_second + 5)]
    for tag in tags:
        harness.swr.put(tag, A)
    harness.push(*tags)

    while harness.run() == NOW:
        pass

    # One second's worth at once, reads included. A run that was admitted is finished.
    at_source = [region for region, _ in harness.swr.looks + harness.swr.lists].count(REGIONS[0])
    assert per_second <= at_source + len(harness.swr.calls) <= per_second + 1
    due_at = harness.run()
    assert due_at is not None
    assert NOW < due_at < NOW + SECOND
    harness.run_until_quiet()
    assert len(harness.swr.calls) == len(tags)


def test_a_sync_is_verified_after_the_clock_was_set_back(harness: WorkerHarness) -> None:
    harness.config = config(batch=1)
    harness.swr.put("v1", A)
    harness.swr.copies = False
    [sync] = harness.push("v1")
    harness.run()
    was_due = NOW + SECOND
    harness.clock.advance(-7200)  # and the engine runs the lane for the time it was woken for

    due_at = harness.runner.run(LANE, was_due)

    assert due_at is not None
    assert harness.clock.time < due_at < harness.clock.time + MINUTE
    harness.swr.copy(LANE, "v1")
    harness.run_until_quiet()
    assert harness.state(sync) is State.VERIFIED
    assert harness.clock.time < NOW


def test_calls_go_on_after_the_clock_was_set_back(harness: WorkerHarness) -> None:
    harness.swr.put("v1", A)
    harness.swr.put("v2", A)
    harness.config = config(batch=1, verify=Verify(deadline=timedelta(minutes=5)))
    harness.push("v1")
    harness.run()
    harness.clock.advance(-7200)
    [sync] = harness.push("v2")

    harness.run()

    assert harness.state(sync) is State.TRIGGERED


def test_an_ended_sync_is_reported_with_its_error(harness: WorkerHarness) -> None:
    harness.swr.put("v1", C)
    harness.swr.answers = [error(Kind.CONFIGURATION)]
    harness.push("v1")

    harness.run()

    [(sync, state, decision)] = harness.outcomes.synced
    assert (sync.tag, state) == ("v1", State.REJECTED)
    assert decision.error is not None
    assert decision.error.code == "A.configuration"
