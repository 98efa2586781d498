"""Runs of a lane when SWR refuses, fails or does not copy."""

from datetime import timedelta

import pytest

from swrhook.errors import Kind, SwrError
from swrhook.model import State
from swrhook.syncs.backoff import Backoff, Retry, Verify
from tests.factories import LANE, MINUTE, NOW, SECOND, TARGET, A, B, find
from tests.worker.harness import WorkerHarness, config, error
from tests.worker.runs import OVERRIDE, job, row

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


def test_a_call_that_finds_no_image_which_the_source_shows_is_repeated(
    harness: WorkerHarness,
) -> None:
    harness.swr.put("v1", A)
    harness.swr.answers = [SwrError(Kind.NOT_YET, "SVCSTG.SWR.4040010", "no such image")] * 2
    [sync] = harness.push("v1")

    harness.run()

    assert harness.state(sync) is State.PENDING
    expected = "cn-north-4 shows team/web/shop:v1, but sync_images says: no such image"
    assert row(harness, sync)["error_message"] == expected
    harness.run_until_quiet()
    assert (harness.state(sync), find(harness.database, sync.id).attempts) == (State.VERIFIED, 3)


def test_a_blind_call_answered_not_yet_is_repeated_and_counts_no_attempt(
    harness: WorkerHarness,
) -> None:
    harness.swr.hidden[LANE.source_region] = error(Kind.CONFIGURATION)
    harness.swr.answers = [error(Kind.NOT_YET)]
    [sync] = harness.push("v1")

    harness.run()

    assert (harness.state(sync), find(harness.database, sync.id).attempts) == (State.PENDING, 0)
    harness.swr.put("v1", A)
    harness.swr.hidden.clear()
    harness.run_until_quiet()
    assert (harness.state(sync), find(harness.database, sync.id).attempts) == (State.VERIFIED, 1)


def test_a_call_to_an_organization_that_does_not_exist_is_rejected_and_names_it(
    harness: WorkerHarness,
) -> None:
    harness.swr.put("v1", A)
    harness.swr.answers = [SwrError(Kind.NOT_YET, "SVCSTG.SWR.4040058", "not found")]
    [sync] = harness.push("v1")

    assert harness.run() is None

    rejected = row(harness, sync)
    assert (rejected["state"], rejected["error_message"]) == (
        "rejected",
        "cn-east-3 has no organization team: not found",
    )
    assert "create the organization team in cn-east-3" in str(rejected["error_remedy"])


def test_an_endpoint_without_sync_images_rejects_a_sync(harness: WorkerHarness) -> None:
    harness.swr.put("v1", A)
    harness.swr.answers = [SwrError(Kind.NOT_YET, "HTTP.404", "404 page not found")]
    [sync] = harness.push("v1")

    assert harness.run() is None

    rejected = row(harness, sync)
    assert rejected["state"] == "rejected"
    assert str(rejected["error_message"]).startswith("cn-north-4 has no sync_images")
    assert "check the endpoint of cn-north-4" in str(rejected["error_remedy"])


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


def test_many_tags_of_a_source_that_fails_are_listed_again_later(harness: WorkerHarness) -> None:
    tags = ("v1", "v2", "v3")
    for tag in tags:
        harness.swr.put(tag, A)
    harness.swr.hidden[LANE.source_region] = error()
    pushed = harness.push(*tags)
    harness.run()
    assert [row(harness, sync)["error_code"] for sync in pushed] == ["A.transient"] * 3
    assert harness.swr.requests == 1  # the target is not read: no decision would need it

    harness.swr.hidden.clear()
    harness.run_until_quiet()

    assert harness.states(pushed) == [State.VERIFIED] * 3


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
