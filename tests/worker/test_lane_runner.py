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
from tests.ledger.parts import LANE, MINUTE, NOW, SECOND, TARGET, A, B, C, everything, find
from tests.worker.parts import REGIONS, Works, config, error

OVERRIDE = replace(LANE, override=True)


class Killed(Exception):
    """The process ends here."""


def killed() -> None:
    raise Killed


def row(works: Works, sync: Sync) -> dict[str, object]:
    return next(row for row in everything(works.database, syncs) if row["id"] == sync.id)


def job(works: Works, status: str, tag: str = "v1") -> SyncJob:
    return SyncJob(tag, status, TARGET, works.clock.time)


# The usual case


def test_a_pushed_tag_is_called_for_and_verified(works: Works) -> None:
    works.swr.put("v1", A)
    [sync] = works.push("v1", digest=A)

    due_at = works.run()

    assert works.state(sync) is State.TRIGGERED
    assert due_at == NOW + SECOND
    works.run_until_quiet()
    assert (
        works.state(sync),
        find(works.database, sync.id).attempts,
        find(works.database, sync.id).called_digest,
    ) == (State.VERIFIED, 1, A)
    assert works.swr.calls == [(LANE, ["v1"])]
    assert [state for _, state, _ in works.outcomes.synced] == [State.TRIGGERED, State.VERIFIED]


def test_a_single_tag_is_called_for_at_once(works: Works) -> None:
    works.swr.put("v1", A)
    works.push("v1", digest=A)

    works.run()

    assert works.swr.tags_called == [["v1"]]
    assert works.clock.time == NOW


def test_a_tag_that_the_target_holds_already_is_verified_without_a_call(works: Works) -> None:
    works.swr.put("v1", A)
    works.swr.put_at_target("v1", A)
    [sync] = works.push("v1", digest=A)

    assert works.run() is None
    assert works.state(sync) is State.VERIFIED
    assert works.swr.calls == []


def test_the_digest_at_the_source_counts_not_the_announced_one(works: Works) -> None:
    works.swr.put("v1", B)
    [sync] = works.push("v1", digest=A)

    works.run_until_quiet()

    assert works.state(sync) is State.VERIFIED
    assert find(works.database, sync.id).called_digest == B


def test_a_sync_waits_for_a_tag_that_is_not_at_the_source_yet(works: Works) -> None:
    [sync] = works.push("v1", digest=A)
    assert works.run() == NOW + SECOND
    assert (works.state(sync), find(works.database, sync.id).attempts) == (State.PENDING, 0)

    works.clock.advance(5)
    works.swr.put("v1", A)
    works.run_until_quiet()

    assert works.state(sync) is State.VERIFIED
    assert find(works.database, sync.id).attempts == 1


def test_a_tag_that_never_appears_at_the_source_is_missing(works: Works) -> None:
    [sync] = works.push("v1", digest=A)

    works.run_until_quiet()

    assert works.state(sync) is State.MISSING
    assert row(works, sync)["reason"] == "never appeared in the source region"
    assert works.swr.calls == []
    took = works.clock.time - NOW
    assert timedelta(minutes=30) <= took <= timedelta(minutes=31)


def test_a_lane_without_due_syncs_sends_no_request(works: Works) -> None:
    assert works.run() is None
    assert works.swr.looks == []


# Many tags


def test_many_tags_are_read_with_one_list_and_copied_with_one_call(works: Works) -> None:
    tags = [f"v{n}" for n in range(50)]
    for tag in tags:
        works.swr.put(tag, A)
    pushed = works.push(*tags, digest=A)

    works.run()

    assert works.swr.tags_called == [sorted(tags)]
    assert [region for region, _ in works.swr.lists] == ["cn-north-4", "cn-east-3"]
    works.run_until_quiet()
    assert works.states(pushed) == [State.VERIFIED] * 50


def test_a_call_carries_no_more_than_a_batch(works: Works) -> None:
    works.config = config(batch=10)
    tags = [f"v{n}" for n in range(25)]
    for tag in tags:
        works.swr.put(tag, A)
    pushed = works.push(*tags, digest=A)

    works.run_until_quiet()

    assert [len(called) for called in works.swr.tags_called] == [10, 10, 5]
    assert sorted(tag for called in works.swr.tags_called for tag in called) == sorted(tags)
    assert works.states(pushed) == [State.VERIFIED] * 25


def test_tags_pushed_during_a_call_share_the_next_call(works: Works) -> None:
    later: list[Sync] = []
    for tag in ("v1", "v2", "v3", "v4"):
        works.swr.put(tag, A)
    works.swr.answers = [lambda: later.extend(works.push("v2", "v3") + works.push("v4"))]
    first = works.push("v1")

    due_at = works.run()
    assert due_at == NOW  # at once
    works.run()

    assert works.swr.tags_called == [["v1"], ["v2", "v3", "v4"]]
    works.run_until_quiet()
    assert works.states([*first, *later]) == [State.VERIFIED] * 4


def test_only_the_tags_that_failed_are_called_for_again(works: Works) -> None:
    for tag in ("v1", "v2", "v3"):
        works.swr.put(tag, A)
    works.swr.answers = [error(Kind.PERMANENT, "v2")]
    pushed = works.push("v1", "v2", "v3")

    works.run()

    assert works.states(pushed) == [State.TRIGGERED, State.PENDING, State.TRIGGERED]
    assert row(works, pushed[1])["error_code"] == "A.permanent"
    for tag in ("v1", "v3"):
        works.swr.copy(LANE, tag)
    works.run_until_quiet()
    assert works.states(pushed) == [State.VERIFIED] * 3
    assert works.swr.tags_called == [["v1", "v2", "v3"], ["v2"]]


def test_a_tag_that_fails_its_whole_call_is_found_by_single_calls(works: Works) -> None:
    for tag in ("v1", "v2", "v3"):
        works.swr.put(tag, A)
    broken = error(Kind.PERMANENT)
    works.swr.answers = [broken, None, broken, None]
    pushed = works.push("v1", "v2", "v3")

    works.run_until_quiet()

    assert [len(called) for called in works.swr.tags_called] == [3, 1, 1, 1]
    spoilt = works.swr.tags_called[2][0]
    expected = [State.REJECTED if s.tag == spoilt else State.VERIFIED for s in pushed]
    assert works.states(pushed) == expected


def test_a_missing_tag_does_not_delay_the_others(works: Works) -> None:
    works.swr.put("v1", A)
    works.swr.put("v3", A)
    pushed = works.push("v1", "v2", "v3")

    works.run()

    assert works.swr.tags_called == [["v1", "v3"]]
    assert works.states(pushed) == [State.TRIGGERED, State.PENDING, State.TRIGGERED]


# Later pushes, operators


def test_two_pushes_of_a_tag_before_the_call_need_one_call(works: Works) -> None:
    works.swr.put("v1", B)
    [first] = works.push("v1", digest=A)
    [second] = works.push("v1", digest=B)

    works.run_until_quiet()

    assert works.states([first, second]) == [State.SUPERSEDED, State.VERIFIED]
    assert works.swr.tags_called == [["v1"]]


def test_a_push_during_the_call_supersedes_the_sync_and_is_synced(works: Works) -> None:
    works.swr.put("v1", A, OVERRIDE)
    later: list[Sync] = []

    def push_b() -> None:
        works.swr.copy(OVERRIDE, "v1")
        works.swr.put("v1", B, OVERRIDE)
        later.extend(works.push("v1", digest=B, override=True))

    works.swr.copies = False
    works.swr.answers = [push_b]
    [first] = works.push("v1", digest=A, override=True)
    works.run(OVERRIDE)

    assert works.state(first) is State.SUPERSEDED
    assert find(works.database, first.id).superseded_by == later[0].id
    assert [state for _, state, _ in works.outcomes.synced] == [State.SUPERSEDED]
    works.swr.copies = True
    works.run_until_quiet(OVERRIDE)
    assert works.state(later[0]) is State.VERIFIED
    assert [find(works.database, sync.id).called_digest for sync in (first, later[0])] == [A, B]


def test_a_sync_cancelled_during_its_call_stays_cancelled(works: Works) -> None:
    works.swr.put("v1", A)
    [sync] = works.push("v1")

    def cancel() -> None:
        with works.database.write() as connection:
            apply_decision(connection, find(works.database, sync.id), Decision(Event.CANCEL), NOW)

    works.swr.answers = [cancel]

    assert works.run() is None
    assert works.state(sync) is State.CANCELLED
    assert [call["ended_at"] for call in everything(works.database, calls)] == [NOW]
    assert works.outcomes.synced == []


# Crashes and late workers


def test_a_sync_is_called_for_again_at_once_after_a_crash(works: Works) -> None:
    works.swr.put("v1", A)
    works.swr.answers = [killed]
    [sync] = works.push("v1")
    with pytest.raises(Killed):
        works.run()
    assert works.state(sync) is State.CALLING

    assert works.run() == NOW  # another runner, on the same ledger
    assert works.state(sync) is State.PENDING
    works.run_until_quiet()

    assert works.state(sync) is State.VERIFIED
    assert works.swr.tags_called == [["v1"], ["v1"]]
    assert find(works.database, sync.id).attempts == 2


def test_no_second_call_is_made_if_the_copy_was_done_before_the_crash(works: Works) -> None:
    works.swr.put("v1", A)

    def copied_and_killed() -> None:
        works.swr.copy(LANE, "v1")
        raise Killed

    works.swr.answers = [copied_and_killed]
    [sync] = works.push("v1")
    with pytest.raises(Killed):
        works.run()

    works.run_until_quiet()

    assert works.state(sync) is State.VERIFIED
    assert works.swr.tags_called == [["v1"]]


def test_a_tag_that_kills_every_worker_is_given_up(works: Works) -> None:
    works.swr.put("v1", A)
    works.swr.answers = [killed] * 99
    [sync] = works.push("v1")
    deaths = 0
    due_at: object = NOW
    while due_at is not None:
        works.clock.advance(600)
        try:
            due_at = works.run()
        except Killed:
            deaths += 1

    assert (deaths, works.state(sync)) == (5, State.EXHAUSTED)
    assert works.swr.tags_called == [["v1"]] * 5


def test_a_late_worker_changes_nothing(works: Works) -> None:
    works.swr.put("v1", A)
    works.swr.copies = False
    [sync] = works.push("v1")
    seen: list[dict[str, object]] = []

    def taken_over() -> None:  # the engine took this worker for dead
        works.run()
        works.run()
        seen.append(row(works, sync))
        raise error(Kind.CONFIGURATION)

    works.swr.answers = [taken_over]
    works.run()

    assert [row(works, sync)] == seen
    assert works.state(sync) is State.TRIGGERED
    works.swr.copy(LANE, "v1")
    works.run_until_quiet()
    assert works.state(sync) is State.VERIFIED


def test_a_sync_left_in_calling_is_found_behind_many_others(works: Works) -> None:
    works.config = config(batch=1)  # a run takes two syncs
    works.swr.copies = False
    for tag in ("v1", "v2", "v3"):
        works.swr.put(tag, A)
    pushed = works.push("v1", "v2")
    works.run()
    works.run()
    works.clock.advance(0.1)
    pushed += works.push("v3")
    works.swr.answers = [killed]
    with pytest.raises(Killed):
        works.run()
    assert works.states(pushed) == [State.TRIGGERED, State.TRIGGERED, State.CALLING]
    for tag in ("v1", "v2", "v3"):
        works.swr.copy(LANE, tag)
    works.clock.advance(60)

    works.run_until_quiet()

    assert works.states(pushed) == [State.VERIFIED] * 3


# Answers of SWR


@pytest.mark.parametrize("kind", [Kind.TRANSIENT, Kind.THROTTLED, Kind.AUTHENTICATION])
def test_a_call_that_fails_for_a_while_succeeds_in_the_end(works: Works, kind: Kind) -> None:
    works.swr.put("v1", A)
    works.swr.answers = [error(kind, retry_after=30.0)] * 3
    [sync] = works.push("v1")

    works.run_until_quiet()

    assert (works.state(sync), find(works.database, sync.id).attempts) == (State.VERIFIED, 4)
    assert works.clock.time >= NOW + 90 * SECOND


def test_a_call_that_fails_for_too_long_exhausts(works: Works) -> None:
    retry = Retry(Backoff(timedelta(minutes=1), timedelta(hours=1)), timedelta(hours=3))
    works.config = config(retry=retry)
    works.swr.put("v1", A)
    works.swr.answers = [error()] * 999
    [sync] = works.push("v1")

    works.run_until_quiet()

    assert works.state(sync) is State.EXHAUSTED
    assert works.clock.time >= NOW + timedelta(hours=3)


@pytest.mark.parametrize("kind", [Kind.PERMANENT, Kind.CONFIGURATION])
def test_a_call_that_can_never_succeed_is_rejected_with_the_remedy(
    works: Works, kind: Kind
) -> None:
    works.swr.put("v1", A)
    works.swr.answers = [SwrError(kind, "SVC.1", "what SWR said", remedy="what to do")]
    [sync] = works.push("v1")

    assert works.run() is None

    rejected = row(works, sync)
    assert (
        rejected["state"],
        rejected["error_code"],
        rejected["error_message"],
        rejected["error_remedy"],
    ) == ("rejected", "SVC.1", "what SWR said", "what to do")


def test_a_call_answered_not_yet_is_repeated_and_counts_no_attempt(works: Works) -> None:
    works.swr.put("v1", A)
    works.swr.answers = [error(Kind.NOT_YET)]
    [sync] = works.push("v1")

    works.run()

    assert (works.state(sync), find(works.database, sync.id).attempts) == (State.PENDING, 0)
    works.run_until_quiet()
    assert (works.state(sync), find(works.database, sync.id).attempts) == (State.VERIFIED, 1)


def test_a_missing_organization_is_rejected_without_a_call(works: Works) -> None:
    works.swr.put("v1", A)
    works.swr.foreign = {TARGET.region}
    [sync] = works.push("v1")

    assert works.run() is None

    rejected = row(works, sync)
    assert works.state(sync) is State.REJECTED
    assert rejected["error_message"] == "cn-east-3 has no organization team that is ours"
    assert "create the organization team in cn-east-3" in str(rejected["error_remedy"])
    assert works.swr.calls == []


def test_a_missing_organization_rejects_no_sync_whose_tag_is_not_at_the_source_yet(
    works: Works,
) -> None:
    works.swr.foreign = {TARGET.region}
    [sync] = works.push("v1")

    works.run()

    assert works.state(sync) is State.PENDING


# Regions that cannot be read


def test_a_source_that_fails_is_read_again_later(works: Works) -> None:
    works.swr.put("v1", A)
    works.swr.hidden[LANE.source_region] = error()
    [sync] = works.push("v1")
    works.run()
    assert (works.state(sync), works.swr.calls) == (State.PENDING, [])

    works.swr.hidden.clear()
    works.run_until_quiet()

    assert works.state(sync) is State.VERIFIED


def test_a_call_is_made_without_reading_a_source_that_we_may_not_read(works: Works) -> None:
    works.swr.put("v1", A)
    works.swr.hidden[LANE.source_region] = error(Kind.CONFIGURATION)
    [sync] = works.push("v1", digest=A)

    works.run_until_quiet()

    assert State.VERIFIED is works.state(sync)  # by the announced digest
    assert works.clock.time - NOW < MINUTE  # its own call is no other call


def test_a_sync_is_unverified_if_we_may_not_read_its_target(works: Works) -> None:
    works.swr.put("v1", A)
    works.swr.hidden[TARGET.region] = error(Kind.CONFIGURATION)
    [sync] = works.push("v1", digest=A)

    works.run_until_quiet()

    assert works.state(sync) is State.UNVERIFIED
    assert works.swr.tags_called == [["v1"]]


def test_a_sync_is_called_for_again_if_its_target_is_unreadable_and_its_job_failed(
    works: Works,
) -> None:
    works.swr.put("v1", A)
    works.swr.hidden[TARGET.region] = error(Kind.CONFIGURATION)
    [sync] = works.push("v1", digest=A)
    works.run()
    works.swr.jobs = [job(works, "failed")]
    works.clock.advance(1)

    works.run()

    assert works.state(sync) is State.PENDING
    assert row(works, sync)["reason"] == "SWR's job ended: failed: called again"


def test_a_target_that_fails_for_a_while_is_polled_until_it_answers(works: Works) -> None:
    works.swr.put("v1", A)
    [sync] = works.push("v1", digest=A)
    works.run()
    works.swr.hidden[TARGET.region] = error()
    for _ in range(20):  # an hour: twice verify's deadline
        works.clock.advance(180)
        works.run()
    assert works.state(sync) is State.TRIGGERED

    works.swr.hidden.clear()
    works.run_until_quiet()

    assert (works.state(sync), works.swr.tags_called) == (State.VERIFIED, [["v1"]])


# After a call


def test_a_tag_that_moved_after_the_call_is_called_for_again(works: Works) -> None:
    works.swr.put("v1", A, OVERRIDE)
    [sync] = works.push("v1", digest=A, override=True)
    works.run(OVERRIDE)
    works.swr.put("v1", B, OVERRIDE)

    works.run_until_quiet(OVERRIDE)

    assert (
        works.state(sync),
        find(works.database, sync.id).called_digest,
    ) == (State.VERIFIED, B)
    assert find(works.database, sync.id).retriggers == 0


def test_a_target_with_another_digest_has_diverged(works: Works) -> None:
    works.swr.put("v1", A)
    works.swr.put_at_target("v1", B)
    [sync] = works.push("v1", digest=A)

    works.run_until_quiet()

    assert works.state(sync) is State.DIVERGED
    assert row(works, sync)["reason"] == f"the target has {B}, the source {A}"


def test_a_call_without_effect_is_repeated_as_often_as_configured(works: Works) -> None:
    works.config = config(verify=Verify(deadline=timedelta(minutes=3)))
    works.swr.put("v1", A)
    works.swr.copies = False
    [sync] = works.push("v1", digest=A)

    works.run_until_quiet()

    assert works.state(sync) is State.MISSING
    assert works.swr.tags_called == [["v1"]] * 4  # the first, and verify.retriggers
    assert works.clock.time - NOW >= 4 * timedelta(minutes=3)


def test_a_failed_job_is_repeated_before_the_verify_deadline(works: Works) -> None:
    works.swr.put("v1", A)
    works.swr.copies = False
    [sync] = works.push("v1", digest=A)
    works.run()
    works.swr.jobs = [job(works, "failed")]
    works.clock.advance(1)
    works.run()  # the first read does not ask for the job
    works.clock.advance(2)
    works.run()
    assert works.state(sync) is State.PENDING

    works.swr.copies = True
    works.swr.jobs = []
    works.run_until_quiet()

    assert works.state(sync) is State.VERIFIED
    assert works.clock.time - NOW < MINUTE


def test_a_sync_is_not_verified_while_an_earlier_call_may_still_copy(works: Works) -> None:
    # A is called for and slow; the tag moves to B, which is called for and comes first.
    works.swr.copies = False
    works.swr.put("v1", A, OVERRIDE)
    [first] = works.push("v1", digest=A, override=True)
    works.run(OVERRIDE)
    works.swr.put("v1", B, OVERRIDE)
    [second] = works.push("v1", digest=B, override=True)
    works.run(OVERRIDE)
    works.swr.put_at_target("v1", B, OVERRIDE)
    works.clock.advance(1)
    works.run(OVERRIDE)
    assert works.states([first, second]) == [State.SUPERSEDED, State.TRIGGERED]

    works.swr.put_at_target("v1", A, OVERRIDE)  # the slow call's copy
    works.swr.copies = True
    works.run_until_quiet(OVERRIDE)

    assert works.state(second) is State.VERIFIED
    assert works.swr.held[TARGET.region, "team", "web/shop", "v1"] == B


def test_a_second_call_for_a_digest_stays_open_when_the_first_copied_it(works: Works) -> None:
    # SWR takes the first call for A, and the answer is lost: A is called for twice.
    works.swr.copies = False
    works.swr.put("v1", A, OVERRIDE)
    works.swr.answers = [error(Kind.TRANSIENT)]
    works.push("v1", digest=A, override=True)
    works.run(OVERRIDE)
    works.clock.advance(1)
    works.run(OVERRIDE)
    assert works.swr.tags_called == [["v1"]] * 2
    works.swr.put_at_target("v1", A, OVERRIDE)  # the copy of one of them
    works.clock.advance(1)
    works.run(OVERRIDE)
    works.swr.put("v1", B, OVERRIDE)
    [second] = works.push("v1", digest=B, override=True)
    works.run(OVERRIDE)
    works.swr.put_at_target("v1", B, OVERRIDE)
    works.clock.advance(1)

    works.run(OVERRIDE)

    assert works.state(second) is State.TRIGGERED
    works.swr.put_at_target("v1", A, OVERRIDE)  # the other one's
    works.swr.copies = True
    works.run_until_quiet(OVERRIDE)
    assert works.state(second) is State.VERIFIED
    assert works.swr.held[TARGET.region, "team", "web/shop", "v1"] == B


def test_a_sync_does_not_wait_for_a_call_that_was_refused(works: Works) -> None:
    works.swr.put("v1", A, OVERRIDE)
    works.swr.answers = [error(Kind.THROTTLED)]
    works.push("v1", digest=A, override=True)
    works.run(OVERRIDE)
    works.swr.put("v1", B, OVERRIDE)
    [second] = works.push("v1", digest=B, override=True)

    works.run_until_quiet(OVERRIDE)

    assert works.state(second) is State.VERIFIED
    assert works.clock.time - NOW < MINUTE


def test_a_tag_moved_back_waits_for_the_call_in_between(works: Works) -> None:
    works.swr.put("v1", A, OVERRIDE)
    works.push("v1", digest=A, override=True)
    works.run_until_quiet(OVERRIDE)
    works.swr.copies = False
    works.swr.put("v1", B, OVERRIDE)
    works.push("v1", digest=B, override=True)
    works.run(OVERRIDE)  # the copy of B is in progress
    works.swr.put("v1", A, OVERRIDE)
    [back] = works.push("v1", digest=A, override=True)

    works.run(OVERRIDE)

    assert State.TRIGGERED is works.state(back)  # though the target holds A
    works.swr.put_at_target("v1", B, OVERRIDE)
    works.clock.advance(1)
    works.run(OVERRIDE)
    assert works.state(back) is State.TRIGGERED
    works.swr.copies = True
    works.run_until_quiet(OVERRIDE)
    assert works.state(back) is State.VERIFIED
    assert works.swr.held[TARGET.region, "team", "web/shop", "v1"] == A


# Configuration and rate limit


def test_syncs_of_a_region_removed_from_the_configuration_are_held_with_the_reason(
    works: Works,
) -> None:
    for tag in ("v1", "v2", "v3"):
        works.swr.put(tag, A)
    [triggered] = works.push("v1")
    works.run()
    works.swr.answers = [killed]
    [calling] = works.push("v2")
    with pytest.raises(Killed):
        works.run()
    [pending] = works.push("v3")
    syncs_held = [triggered, calling, pending]
    works.config = config("cn-north-4", "ap-southeast-1")
    works.clock.advance(10)

    assert works.run() == works.clock.time + HOLD_INTERVAL

    assert works.states(syncs_held) == [State.TRIGGERED, State.PENDING, State.PENDING]
    assert [row(works, sync)["reason"] for sync in syncs_held] == [
        "region cn-east-3 is not in the configuration"
    ] * 3
    works.config = config(*REGIONS)
    works.run_until_quiet()
    assert works.states(syncs_held) == [State.VERIFIED] * 3


def test_a_sync_left_in_calling_is_held_too(works: Works) -> None:
    works.swr.put("v1", A)
    works.swr.answers = [killed]
    [sync] = works.push("v1")
    with pytest.raises(Killed):
        works.run()
    works.config = config("cn-north-4")

    assert works.run() == NOW + HOLD_INTERVAL  # not None, which means never
    assert row(works, sync)["reason"] == "region cn-east-3 is not in the configuration"


def test_requests_keep_to_the_rate_limit(works: Works) -> None:
    works.config = replace(config(), options=replace(config().options, batch=1))
    per_second = works.config.options.pace.per_second
    tags = [f"v{n}" for n in range(per_second + 5)]
    for tag in tags:
        works.swr.put(tag, A)
    works.push(*tags)

    while works.run() == NOW:
        pass

    # One second's worth at once, reads included. A run that was admitted is finished.
    at_source = [region for region, _ in works.swr.looks + works.swr.lists].count(REGIONS[0])
    assert per_second <= at_source + len(works.swr.calls) <= per_second + 1
    due_at = works.run()
    assert due_at is not None
    assert NOW < due_at < NOW + SECOND
    works.run_until_quiet()
    assert len(works.swr.calls) == len(tags)


def test_a_sync_is_verified_after_the_clock_was_set_back(works: Works) -> None:
    works.config = config(batch=1)
    works.swr.put("v1", A)
    works.swr.copies = False
    [sync] = works.push("v1")
    works.run()
    was_due = NOW + SECOND
    works.clock.advance(-7200)  # and the engine runs the lane for the time it was woken for

    due_at = works.runner.run(LANE, was_due)

    assert due_at is not None
    assert works.clock.time < due_at < works.clock.time + MINUTE
    works.swr.copy(LANE, "v1")
    works.run_until_quiet()
    assert works.state(sync) is State.VERIFIED
    assert works.clock.time < NOW


def test_calls_go_on_after_the_clock_was_set_back(works: Works) -> None:
    works.swr.put("v1", A)
    works.swr.put("v2", A)
    works.config = config(batch=1, verify=Verify(deadline=timedelta(minutes=5)))
    works.push("v1")
    works.run()
    works.clock.advance(-7200)
    [sync] = works.push("v2")

    works.run()

    assert works.state(sync) is State.TRIGGERED


def test_an_ended_sync_is_reported_with_its_error(works: Works) -> None:
    works.swr.put("v1", C)
    works.swr.answers = [error(Kind.CONFIGURATION)]
    works.push("v1")

    works.run()

    [(sync, state, decision)] = works.outcomes.synced
    assert (sync.tag, state) == ("v1", State.REJECTED)
    assert decision.error is not None
    assert decision.error.code == "A.configuration"
