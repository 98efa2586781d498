"""Limits, circuit breakers and the target cache, seen through runs of a lane."""

from dataclasses import replace
from datetime import timedelta

import pytest

from swrhook.config.model import Pace
from swrhook.errors import Kind, SwrError
from swrhook.ledger.tables import lanes, syncs
from swrhook.model import State, Sync
from swrhook.swr.error_codes import BUSY, IMPOSSIBLE_REGION
from swrhook.swr.protocol import SyncJob
from swrhook.syncs.backoff import Retry
from swrhook.worker.admission import Urgency
from swrhook.worker.circuit_breaker import FAILURES_TO_OPEN, PAUSES, Operation
from swrhook.worker.target_cache import MAX_ATTEMPTS, MISSING_TTL
from tests.factories import LANE, NOW, SECOND, TARGET, A, B, C, everything, find, put
from tests.worker.harness import WorkerHarness, config, error

OVERRIDE = replace(LANE, override=True)


def row(harness: WorkerHarness, sync: Sync) -> dict[str, object]:
    return next(row for row in everything(harness.database, syncs) if row["id"] == sync.id)


def job(harness: WorkerHarness, status: str, tag: str = "v1") -> SyncJob:
    return SyncJob(tag, status, TARGET, harness.clock.time)


def test_fresh_tags_are_called_for_before_backfill(harness: WorkerHarness) -> None:
    harness.config = config(batch=2)
    for n in range(5):
        harness.swr.put(f"old{n}", A)
        put(harness.database, tag=f"old{n}", backfill=True, due_at=NOW)
    harness.swr.put("new", A)
    harness.push("new")

    harness.run()

    assert harness.swr.tags_called[0] == ["new", "old0"]


def test_a_fresh_push_that_waits_for_capacity_writes_nothing(harness: WorkerHarness) -> None:
    """Many lanes wait at a time and try again often: a commit each time would be expensive."""
    harness.config = config(pace=Pace(in_flight_per_target=1))
    other = replace(LANE, repository="other")
    harness.admission.acquire(other, Urgency.FRESH, harness.config.options.pace, NOW)
    ahead = [replace(LANE, repository=f"r{n}") for n in range(9)]
    for lane in ahead:
        harness.admission.acquire(lane, Urgency.FRESH, harness.config.options.pace, NOW)
    harness.push("v1")
    before = everything(harness.database, lanes)

    due_at = harness.run()

    assert due_at is not None
    assert due_at - NOW > SECOND
    assert everything(harness.database, lanes) == before


# Circuit breakers and rate limits


def test_a_region_that_does_not_answer_gets_only_probes(harness: WorkerHarness) -> None:
    harness.swr.hidden[LANE.source_region] = error()
    tags = [f"v{n}" for n in range(FAILURES_TO_OPEN)]
    for tag in tags:
        harness.swr.put(tag, A)
        pushed = harness.push(tag)
        harness.run()
    asked = [*harness.swr.looks]

    [sync] = harness.push("last")
    harness.run()

    assert harness.swr.looks == asked
    reason = str(row(harness, sync)["reason"])
    assert "the circuit breaker of cn-north-4 (look_source) is open" in reason
    harness.swr.hidden.clear()
    harness.swr.put("last", A)
    harness.clock.advance(PAUSES.base.total_seconds())
    harness.run_until_quiet()
    assert harness.states([*pushed, sync]) == [State.VERIFIED] * 2


def test_syncs_are_postponed_before_they_are_claimed_while_the_breaker_is_open(
    harness: WorkerHarness,
) -> None:
    harness.swr.put("v1", A)
    [sync] = harness.push("v1")
    for _ in range(FAILURES_TO_OPEN):
        harness.breakers.record(LANE.source_region, Operation.SYNC_IMAGES, NOW, error())

    due_at = harness.run()

    assert (
        harness.swr.calls,
        harness.state(sync),
        find(harness.database, sync.id).attempts,
    ) == ([], State.PENDING, 0)
    assert due_at is not None
    assert PAUSES.base <= due_at - NOW <= PAUSES.base + SECOND
    harness.run_until_quiet()
    assert (harness.state(sync), find(harness.database, sync.id).attempts) == (State.VERIFIED, 1)


def test_a_retry_after_pauses_the_whole_region(harness: WorkerHarness) -> None:
    harness.swr.put("v1", A)
    harness.push("v1")
    harness.swr.answers = [error(Kind.THROTTLED, retry_after=30.0)]
    harness.run()
    other = replace(LANE, repository="web/cart")
    harness.swr.put("v1", A, other)
    put(harness.database, lane=other, due_at=NOW)

    assert harness.run(other) == NOW + 30 * SECOND
    assert len(harness.swr.calls) == 1
    harness.clock.advance(30)
    harness.run(other)
    assert len(harness.swr.calls) == 2


@pytest.mark.parametrize("code", ["SVCSTG.SWR.4090023", "SVCSTG.SWR.5000021"])
def test_the_answer_system_busy_slows_requests_down(harness: WorkerHarness, code: str) -> None:
    harness.swr.put("v1", A)
    harness.push("v1")
    harness.swr.answers = [SwrError(Kind.TRANSIENT, code, "what SWR said")]

    harness.run()

    [rate] = {harness.admission.rate_limiter.rate(LANE.source_region, NOW, 20)}
    assert rate == (10 if code in BUSY else 20)


# The target cache


def test_many_tags_into_a_missing_organization_take_one_request(harness: WorkerHarness) -> None:
    tags = [f"v{n}" for n in range(1000)]
    for tag in tags:
        harness.swr.put(tag, A)
    harness.swr.foreign = {TARGET.region}
    pushed = harness.push(*tags)

    harness.run_until_quiet()

    assert set(harness.states(pushed)) == {State.REJECTED}
    assert harness.swr.questions == ["cn-east-3/team"]


def test_an_organization_that_was_created_is_noticed_soon(harness: WorkerHarness) -> None:
    harness.swr.put("v1", A)
    harness.swr.foreign = {TARGET.region}
    harness.push("v1")
    harness.run()
    harness.swr.foreign = set()
    harness.clock.advance(MISSING_TTL.total_seconds())
    [sync] = harness.push("v1")

    harness.run_until_quiet()

    assert harness.state(sync) is State.VERIFIED


def test_a_region_that_swr_does_not_list_is_rejected(harness: WorkerHarness) -> None:
    harness.swr.put("v1", A)
    harness.swr.put("v2", A)
    harness.swr.listed_regions = frozenset({"cn-north-4"})
    harness.swr.answers = [SwrError(Kind.TRANSIENT, IMPOSSIBLE_REGION, "Internal error")]
    [first] = harness.push("v1")
    harness.run()
    [second] = harness.push("v2")
    harness.run()

    assert harness.states([first, second]) == [State.REJECTED] * 2
    assert len(harness.swr.calls) == 1  # the second one uses the cache
    assert "correct the rule's target region cn-east-3" in str(row(harness, first)["error_remedy"])


@pytest.mark.parametrize("listed", [None, frozenset({"cn-east-3"})], ids=["unlisted", "listed"])
def test_an_internal_error_is_retried(
    harness: WorkerHarness, listed: frozenset[str] | None
) -> None:
    harness.swr.put("v1", A)
    harness.swr.listed_regions = listed
    harness.swr.answers = [SwrError(Kind.TRANSIENT, IMPOSSIBLE_REGION, "Internal error")] * 30
    [sync] = harness.push("v1")

    harness.run_until_quiet()

    expected = (State.REJECTED, MAX_ATTEMPTS) if listed is None else (State.VERIFIED, 31)
    assert (harness.state(sync), len(harness.swr.calls)) == expected


# Reads that fail for ever


@pytest.mark.parametrize(
    ("status", "state"), [("running", State.EXHAUSTED), ("success", State.UNVERIFIED)]
)
def test_a_target_that_never_answers_ends_the_sync(
    harness: WorkerHarness, status: str, state: State
) -> None:
    harness.config = config(retry=Retry(deadline=timedelta(hours=1)))
    harness.swr.put("v1", A)
    [sync] = harness.push("v1")
    harness.run()
    harness.swr.jobs = [job(harness, status)]
    harness.swr.hidden[TARGET.region] = error()

    harness.run_until_quiet()

    assert harness.state(sync) is state
    assert timedelta(hours=1) <= harness.clock.time - NOW <= timedelta(hours=2)


def test_a_tag_moved_twice_waits_for_a_call_whose_digest_the_target_held_already(
    harness: WorkerHarness,
) -> None:
    harness.swr.put("v1", A, OVERRIDE)
    harness.push("v1", digest=A, override=True)
    harness.run_until_quiet(OVERRIDE)
    harness.swr.copies = False
    for digest in (B, A):  # two slow calls; the target holds A anyway
        harness.swr.put("v1", digest, OVERRIDE)
        harness.push("v1", digest=digest, override=True)
        harness.run(OVERRIDE)
        harness.clock.advance(1)
        harness.run(OVERRIDE)
    harness.swr.put("v1", C, OVERRIDE)
    [last] = harness.push("v1", digest=C, override=True)
    harness.run(OVERRIDE)
    for digest in (B, C):
        harness.swr.put_at_target("v1", digest, OVERRIDE)
        harness.clock.advance(1)
        harness.run(OVERRIDE)

    assert harness.state(last) is State.TRIGGERED  # the second call for A may still act
    harness.swr.put_at_target("v1", A, OVERRIDE)
    harness.swr.copies = True
    harness.run_until_quiet(OVERRIDE)
    assert harness.state(last) is State.VERIFIED
    assert harness.swr.held[TARGET.region, "team", "web/shop", "v1"] == C
