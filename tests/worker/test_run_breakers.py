"""A run and an open circuit breaker: only probes reach a region that does not answer."""

from swrhook.ledger.syncs import apply_decision
from swrhook.model import State
from swrhook.syncs.decisions import Decision
from swrhook.syncs.states import Event
from swrhook.worker.circuit_breaker import FAILURES_TO_OPEN, PAUSES, Operation
from tests.factories import NOW, SECOND, TARGET, A, find
from tests.worker.harness import WorkerHarness, error
from tests.worker.limits import SOURCE, open_breaker, postponed
from tests.worker.runs import row

# Circuit breakers


def test_a_region_that_does_not_answer_gets_only_probes(harness: WorkerHarness) -> None:
    harness.swr.hidden[SOURCE] = error()
    for tag in [f"v{n}" for n in range(FAILURES_TO_OPEN)]:
        harness.swr.put(tag, A)
        pushed = harness.push(tag)
        harness.run()
    asked = [*harness.swr.looks]
    harness.swr.put("last", A)
    [sync] = harness.push("last")
    before = row(harness, sync)

    assert harness.run() == NOW + PAUSES.base

    assert harness.swr.looks == asked
    assert row(harness, sync) == before  # it waits for its first run
    assert postponed(harness) == {(SOURCE, "breaker"): 1}
    harness.clock.advance(PAUSES.base.total_seconds())
    harness.run()
    assert len(harness.swr.looks) == len(asked) + 1
    harness.swr.hidden.clear()
    harness.clock.advance(PAUSES.cap.total_seconds())
    harness.run_until_quiet()
    assert harness.states([*pushed, sync]) == [State.VERIFIED] * 2


def test_a_lane_whose_calls_fail_is_not_read_while_the_breaker_is_open(
    harness: WorkerHarness,
) -> None:
    harness.swr.put("v1", A)
    [sync] = harness.push("v1")
    open_breaker(harness, SOURCE, Operation.SYNC_IMAGES)
    before = row(harness, sync)

    assert harness.run() == NOW + PAUSES.base

    assert (harness.swr.looks, harness.swr.calls) == ([], [])
    assert row(harness, sync) == before
    harness.run_until_quiet()
    assert (harness.state(sync), find(harness.database, sync.id).attempts) == (State.VERIFIED, 1)


def test_syncs_are_postponed_before_they_are_claimed_when_the_breaker_opens_meanwhile(
    harness: WorkerHarness,
) -> None:
    harness.swr.put("v1", A)
    [sync] = harness.push("v1")

    def fail(region: str) -> None:
        if region == TARGET.region:
            open_breaker(harness, SOURCE, Operation.SYNC_IMAGES)

    harness.swr.before_look = fail

    due_at = harness.run()

    assert due_at is not None
    assert PAUSES.base <= due_at - NOW <= PAUSES.base + SECOND
    assert (harness.swr.calls, harness.state(sync)) == ([], State.PENDING)
    stored = row(harness, sync)
    assert (stored["attempts"], stored["failures"], stored["failing_since"]) == (0, 0, NOW)
    assert "the circuit breaker of cn-north-4 (sync_images) is open" in str(stored["reason"])
    harness.swr.before_look = lambda _region: None
    harness.run_until_quiet()
    assert (harness.state(sync), find(harness.database, sync.id).attempts) == (State.VERIFIED, 1)


def test_a_push_is_called_for_though_its_target_is_known_not_to_answer(
    harness: WorkerHarness,
) -> None:
    harness.swr.put("v1", A)
    [sync] = harness.push("v1")
    open_breaker(harness, TARGET.region, Operation.LOOK_TARGET)

    harness.run()

    assert harness.swr.looks == [(SOURCE, "v1")]
    assert harness.state(sync) is State.TRIGGERED


def test_a_probe_that_became_needless_is_left_to_another_run(harness: WorkerHarness) -> None:
    for tag in ("v1", "v2"):
        harness.swr.put(tag, A)
    [sync] = harness.push("v1")
    open_breaker(harness, SOURCE, Operation.SYNC_IMAGES)
    harness.clock.advance(PAUSES.base.total_seconds())

    def cancel(region: str) -> None:
        if region == TARGET.region:
            with harness.database.write() as connection:
                apply_decision(connection, sync, Decision(Event.CANCEL), harness.clock.time)

    harness.swr.before_look = cancel
    harness.run()
    assert (harness.state(sync), harness.swr.calls) == (State.CANCELLED, [])

    harness.push("v2")
    harness.run()

    assert harness.swr.tags_called == [["v2"]]
