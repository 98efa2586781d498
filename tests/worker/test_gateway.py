"""Limits, circuit breakers and the target cache, seen through runs of a lane."""

from dataclasses import replace
from datetime import timedelta

import pytest

from swrhook.config.model import Pace
from swrhook.engine import CapacityLimit
from swrhook.errors import Kind, SwrError
from swrhook.ledger.lanes import Flow
from swrhook.model import State, Urgency
from swrhook.swr.error_codes import BUSY
from swrhook.syncs.backoff import Retry
from swrhook.worker.admission import BRIEF
from swrhook.worker.circuit_breaker import Operation
from swrhook.worker.gateway import Endpoint
from tests.factories import LANE, NOW, SECOND, TARGET, A, B, C, put, ready_lanes
from tests.worker.harness import REGIONS, WorkerHarness, config, error
from tests.worker.limits import SOURCE, open_breaker, postponed
from tests.worker.runs import OVERRIDE, job, row


def spend(harness: WorkerHarness, region: str, requests: int) -> None:
    limiter, pace = harness.admission.rate_limiter, harness.config.options.pace
    for _ in range(requests):
        limiter.reserve(region, harness.clock.time, pace.per_second)


def test_fresh_tags_are_called_for_before_backfill(harness: WorkerHarness) -> None:
    harness.config = config(batch=2)
    for n in range(5):
        harness.swr.put(f"old{n}", A)
        put(harness.database, tag=f"old{n}", backfill=True, urgency=Urgency.BACKFILL)
    harness.swr.put("new", A)
    harness.push("new")

    harness.run()

    assert harness.swr.tags_called[0] == ["new", "old0"]


# The pace


def test_a_read_waits_for_its_turn_in_the_pace(harness: WorkerHarness) -> None:
    harness.config = config(pace=Pace(per_second=2))
    harness.swr.put("v1", A)
    harness.push("v1")
    spend(harness, SOURCE, 3)  # two at once, and one that waits

    harness.run()

    assert harness.clock.time == NOW + SECOND
    assert harness.swr.tags_called == [["v1"]]
    assert postponed(harness) == {}


def test_every_page_of_a_list_waits_for_its_turn(harness: WorkerHarness) -> None:
    harness.config = config(pace=Pace(per_second=2), batch=1000)
    tags = [f"v{n}" for n in range(500)]
    for tag in tags:
        harness.swr.put(tag, A)
    harness.push(*tags)

    harness.run()

    # Five pages: two at once, and three that wait. As many at the target, and its organization.
    assert harness.clock.time == NOW + 3.5 * SECOND
    assert harness.swr.tags_called == [sorted(tags)]


@pytest.mark.parametrize("region", [SOURCE, TARGET.region])
def test_a_run_ends_before_a_read_that_would_wait_for_more_than_five_seconds(
    harness: WorkerHarness, region: str
) -> None:
    harness.config = config(pace=Pace(per_second=2))
    for tag in ("v1", "v2"):
        harness.swr.put(tag, A)
    pushed = harness.push("v1", "v2")
    before = [row(harness, sync) for sync in pushed]
    looked: list[str] = []

    def spend_once(looked_at: str) -> None:
        if not looked:
            spend(harness, region, 13)
        looked.append(looked_at)

    harness.swr.before_look = spend_once

    due_at = harness.run()

    assert due_at is not None
    assert 5 * SECOND < due_at - NOW <= 6.5 * SECOND
    assert harness.clock.time == NOW  # it did not wait
    assert [row(harness, sync) for sync in pushed] == before
    assert postponed(harness) == {(region, "pace"): 1}
    harness.run_until_quiet()
    assert harness.states(pushed) == [State.VERIFIED] * 2


def test_a_call_does_not_wait_but_later_reads_do(harness: WorkerHarness) -> None:
    harness.config = config(pace=Pace(per_second=2))
    harness.swr.put("v1", A)
    harness.push("v1")
    delays = []

    def look(region: str) -> None:
        if region == TARGET.region:
            spend(harness, SOURCE, 20)
            delays.append(harness.admission.rate_limiter.delay(SOURCE, NOW, 2))

    harness.swr.before_look = look

    harness.run()

    assert (harness.swr.tags_called, harness.clock.time) == ([["v1"]], NOW)
    assert harness.admission.rate_limiter.delay(SOURCE, NOW, 2) == delays[0] + 0.5 * SECOND


def test_a_run_ends_however_small_the_share_of_its_process_is(harness: WorkerHarness) -> None:
    harness.config = config(pace=Pace(per_second=1))
    harness.admission.rate_limiter.set_share(10)
    harness.swr.put("v1", A)
    [sync] = harness.push("v1")

    harness.run_until_quiet(most=20)

    assert harness.state(sync) is State.VERIFIED


def test_slow_answers_keep_a_rate_that_is_not_set_from_rising(harness: WorkerHarness) -> None:
    harness.swr.put("v1", A)
    harness.push("v1")

    def take_time(region: str) -> None:
        harness.clock.advance(3 if region == SOURCE else 1)

    harness.swr.before_look = take_time
    harness.run()
    harness.clock.time = NOW + 8 * SECOND

    rates = {e.region: e.per_second for e in harness.runner.gateway.endpoints()}
    assert rates[SOURCE] == 20 + 3 * 0.5  # it rose until the slow answer, then no more
    assert rates[TARGET.region] == 20 + 8 * 0.5


def test_the_limits_of_every_region_are_shown(harness: WorkerHarness) -> None:
    open_breaker(harness, SOURCE, Operation.SYNC_IMAGES)
    harness.admission.rate_limiter.throttle(TARGET.region, NOW, None, None)

    closed = {"look_source": False, "look_target": False, "sync_images": False}
    assert harness.runner.gateway.endpoints() == [
        Endpoint(REGIONS[0], 20, closed | {"sync_images": True}),
        Endpoint(REGIONS[1], 10, closed),
        Endpoint(REGIONS[2], 20, closed),
    ]


# Room that is lost during a run


def pause_during_look(harness: WorkerHarness, seen: str, region: str) -> None:
    """Pause a region for 30 seconds when another one is read."""

    def pause(read: str) -> None:
        if read == seen:
            harness.admission.rate_limiter.throttle(region, NOW, None, 30.0)

    harness.swr.before_look = pause


def test_a_run_ends_when_a_region_is_paused_meanwhile(harness: WorkerHarness) -> None:
    harness.swr.put("v1", A)
    [sync] = harness.push("v1")
    before = row(harness, sync)

    pause_during_look(harness, SOURCE, TARGET.region)

    assert harness.run() == NOW + 30 * SECOND

    assert row(harness, sync) == before
    assert postponed(harness) == {(TARGET.region, "paused"): 1}


def test_a_call_is_not_claimed_when_its_region_is_paused_meanwhile(harness: WorkerHarness) -> None:
    harness.swr.put("v1", A)
    [sync] = harness.push("v1")
    before = row(harness, sync)

    pause_during_look(harness, TARGET.region, SOURCE)

    assert harness.run() == NOW + 30 * SECOND

    assert row(harness, sync) == before
    assert harness.swr.calls == []
    assert postponed(harness) == {(SOURCE, "paused"): 1}


def test_a_run_ends_when_its_next_region_is_full_meanwhile(harness: WorkerHarness) -> None:
    harness.config = config(pace=Pace(in_flight=1, in_flight_per_target=1))
    harness.swr.put("v1", A)
    [sync] = harness.push("v1")
    before = row(harness, sync)

    def fill_target(region: str) -> None:
        if region == SOURCE:
            harness.clock.advance(BRIEF.total_seconds())
            other = Flow(Urgency.FRESH, REGIONS[2], TARGET.region, "harbor")
            assert not isinstance(harness.runner.gateway.reserve(other), CapacityLimit)

    harness.swr.before_look = fill_target

    assert harness.run() == harness.clock.time + 0.5 * SECOND

    assert row(harness, sync) == before
    assert postponed(harness) == {(TARGET.region, "in_flight"): 1}


def test_a_push_makes_a_lane_ready_that_was_postponed(harness: WorkerHarness) -> None:
    harness.swr.put("v1", A)
    harness.swr.put("v2", A)
    harness.push("v1")

    pause_during_look(harness, SOURCE, TARGET.region)
    assert harness.run() == NOW + 30 * SECOND
    assert ready_lanes(harness.database) == []

    harness.push("v2")

    assert ready_lanes(harness.database) == [LANE]


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

    rate = harness.admission.rate_limiter.rate(SOURCE, NOW, None)
    assert rate == (10 if code in BUSY else 20)


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
