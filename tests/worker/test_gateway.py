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
from tests.ledger.parts import LANE, NOW, SECOND, TARGET, A, B, C, everything, find, put
from tests.worker.parts import Works, config, error

OVERRIDE = replace(LANE, override=True)


def row(works: Works, sync: Sync) -> dict[str, object]:
    return next(row for row in everything(works.database, syncs) if row["id"] == sync.id)


def job(works: Works, status: str, tag: str = "v1") -> SyncJob:
    return SyncJob(tag, status, TARGET, works.clock.time)


def test_fresh_tags_are_called_for_before_backfill(works: Works) -> None:
    works.config = config(batch=2)
    for n in range(5):
        works.swr.put(f"old{n}", A)
        put(works.database, tag=f"old{n}", backfill=True, due_at=NOW)
    works.swr.put("new", A)
    works.push("new")

    works.run()

    assert works.swr.tags_called[0] == ["new", "old0"]


def test_a_fresh_push_that_waits_for_capacity_writes_nothing(works: Works) -> None:
    """Many lanes wait at a time and try again often: a commit each time would be expensive."""
    works.config = config(pace=Pace(in_flight_per_target=1))
    other = replace(LANE, repository="other")
    works.admission.acquire(other, Urgency.FRESH, works.config.options.pace, NOW)
    ahead = [replace(LANE, repository=f"r{n}") for n in range(9)]
    for lane in ahead:
        works.admission.acquire(lane, Urgency.FRESH, works.config.options.pace, NOW)
    works.push("v1")
    before = everything(works.database, lanes)

    due_at = works.run()

    assert due_at is not None
    assert due_at - NOW > SECOND
    assert everything(works.database, lanes) == before


# Circuit breakers and rate limits


def test_a_region_that_does_not_answer_gets_only_probes(works: Works) -> None:
    works.swr.hidden[LANE.source_region] = error()
    tags = [f"v{n}" for n in range(FAILURES_TO_OPEN)]
    for tag in tags:
        works.swr.put(tag, A)
        pushed = works.push(tag)
        works.run()
    asked = [*works.swr.looks]

    [sync] = works.push("last")
    works.run()

    assert works.swr.looks == asked
    reason = str(row(works, sync)["reason"])
    assert "the circuit breaker of cn-north-4 (look_source) is open" in reason
    works.swr.hidden.clear()
    works.swr.put("last", A)
    works.clock.advance(PAUSES.base.total_seconds())
    works.run_until_quiet()
    assert works.states([*pushed, sync]) == [State.VERIFIED] * 2


def test_syncs_are_postponed_before_they_are_claimed_while_the_breaker_is_open(
    works: Works,
) -> None:
    works.swr.put("v1", A)
    [sync] = works.push("v1")
    for _ in range(FAILURES_TO_OPEN):
        works.breakers.record(LANE.source_region, Operation.SYNC_IMAGES, NOW, error())

    due_at = works.run()

    assert (
        works.swr.calls,
        works.state(sync),
        find(works.database, sync.id).attempts,
    ) == ([], State.PENDING, 0)
    assert due_at is not None
    assert PAUSES.base <= due_at - NOW <= PAUSES.base + SECOND
    works.run_until_quiet()
    assert (works.state(sync), find(works.database, sync.id).attempts) == (State.VERIFIED, 1)


def test_a_retry_after_pauses_the_whole_region(works: Works) -> None:
    works.swr.put("v1", A)
    works.push("v1")
    works.swr.answers = [error(Kind.THROTTLED, retry_after=30.0)]
    works.run()
    other = replace(LANE, repository="web/cart")
    works.swr.put("v1", A, other)
    put(works.database, lane=other, due_at=NOW)

    assert works.run(other) == NOW + 30 * SECOND
    assert len(works.swr.calls) == 1
    works.clock.advance(30)
    works.run(other)
    assert len(works.swr.calls) == 2


@pytest.mark.parametrize("code", ["SVCSTG.SWR.4090023", "SVCSTG.SWR.5000021"])
def test_the_answer_system_busy_slows_requests_down(works: Works, code: str) -> None:
    works.swr.put("v1", A)
    works.push("v1")
    works.swr.answers = [SwrError(Kind.TRANSIENT, code, "what SWR said")]

    works.run()

    [rate] = {works.admission.rate_limiter.rate(LANE.source_region, NOW, 20)}
    assert rate == (10 if code in BUSY else 20)


# The target cache


def test_many_tags_into_a_missing_organization_take_one_request(works: Works) -> None:
    tags = [f"v{n}" for n in range(1000)]
    for tag in tags:
        works.swr.put(tag, A)
    works.swr.foreign = {TARGET.region}
    pushed = works.push(*tags)

    works.run_until_quiet()

    assert set(works.states(pushed)) == {State.REJECTED}
    assert works.swr.questions == ["cn-east-3/team"]


def test_an_organization_that_was_created_is_noticed_soon(works: Works) -> None:
    works.swr.put("v1", A)
    works.swr.foreign = {TARGET.region}
    works.push("v1")
    works.run()
    works.swr.foreign = set()
    works.clock.advance(MISSING_TTL.total_seconds())
    [sync] = works.push("v1")

    works.run_until_quiet()

    assert works.state(sync) is State.VERIFIED


def test_a_region_that_swr_does_not_list_is_rejected(works: Works) -> None:
    works.swr.put("v1", A)
    works.swr.put("v2", A)
    works.swr.listed_regions = frozenset({"cn-north-4"})
    works.swr.answers = [SwrError(Kind.TRANSIENT, IMPOSSIBLE_REGION, "Internal error")]
    [first] = works.push("v1")
    works.run()
    [second] = works.push("v2")
    works.run()

    assert works.states([first, second]) == [State.REJECTED] * 2
    assert len(works.swr.calls) == 1  # the second one uses the cache
    assert "correct the rule's target region cn-east-3" in str(row(works, first)["error_remedy"])


@pytest.mark.parametrize("listed", [None, frozenset({"cn-east-3"})], ids=["unlisted", "listed"])
def test_an_internal_error_is_retried(works: Works, listed: frozenset[str] | None) -> None:
    works.swr.put("v1", A)
    works.swr.listed_regions = listed
    works.swr.answers = [SwrError(Kind.TRANSIENT, IMPOSSIBLE_REGION, "Internal error")] * 30
    [sync] = works.push("v1")

    works.run_until_quiet()

    expected = (State.REJECTED, MAX_ATTEMPTS) if listed is None else (State.VERIFIED, 31)
    assert (works.state(sync), len(works.swr.calls)) == expected


# Reads that fail for ever


@pytest.mark.parametrize(
    ("status", "state"), [("running", State.EXHAUSTED), ("success", State.UNVERIFIED)]
)
def test_a_target_that_never_answers_ends_the_sync(works: Works, status: str, state: State) -> None:
    works.config = config(retry=Retry(deadline=timedelta(hours=1)))
    works.swr.put("v1", A)
    [sync] = works.push("v1")
    works.run()
    works.swr.jobs = [job(works, status)]
    works.swr.hidden[TARGET.region] = error()

    works.run_until_quiet()

    assert works.state(sync) is state
    assert timedelta(hours=1) <= works.clock.time - NOW <= timedelta(hours=2)


def test_a_tag_moved_twice_waits_for_a_call_whose_digest_the_target_held_already(
    works: Works,
) -> None:
    works.swr.put("v1", A, OVERRIDE)
    works.push("v1", digest=A, override=True)
    works.run_until_quiet(OVERRIDE)
    works.swr.copies = False
    for digest in (B, A):  # two slow calls; the target holds A anyway
        works.swr.put("v1", digest, OVERRIDE)
        works.push("v1", digest=digest, override=True)
        works.run(OVERRIDE)
        works.clock.advance(1)
        works.run(OVERRIDE)
    works.swr.put("v1", C, OVERRIDE)
    [last] = works.push("v1", digest=C, override=True)
    works.run(OVERRIDE)
    for digest in (B, C):
        works.swr.put_at_target("v1", digest, OVERRIDE)
        works.clock.advance(1)
        works.run(OVERRIDE)

    assert State.TRIGGERED is works.state(last)  # the second call for A may still act
    works.swr.put_at_target("v1", A, OVERRIDE)
    works.swr.copies = True
    works.run_until_quiet(OVERRIDE)
    assert works.state(last) is State.VERIFIED
    assert works.swr.held[TARGET.region, "team", "web/shop", "v1"] == C
