"""Circuit breakers: which endpoints get no requests, and for how long."""

from datetime import timedelta

import pytest

from swrhook.errors import Kind, SwrError
from swrhook.worker.circuit_breaker import FAILURES_TO_OPEN, CircuitBreakers, Operation
from tests.factories import NOW, SECOND
from tests.worker.harness import error

LOOK = Operation.LOOK_TARGET


def open_breakers() -> CircuitBreakers:
    breakers = CircuitBreakers()
    for _ in range(FAILURES_TO_OPEN):
        assert breakers.acquire("east", LOOK, NOW) is None
        breakers.record("east", LOOK, NOW, error())
    return breakers


def test_a_breaker_opens_for_one_region_and_operation() -> None:
    breakers = open_breakers()

    circuit_open = breakers.acquire("east", LOOK, NOW)

    assert circuit_open is not None
    assert circuit_open.retry_after == 5.0
    assert circuit_open.message == (
        "the circuit breaker of east (look_target) is open: "
        "5 requests in a row failed, the last with: what SWR said"
    )
    assert breakers.acquire("east", Operation.SYNC_IMAGES, NOW) is None
    assert breakers.acquire("west", LOOK, NOW) is None


def test_one_probe_is_allowed_after_each_growing_pause() -> None:
    breakers, now, pauses = open_breakers(), NOW, []
    for _ in range(6):
        circuit_open = breakers.acquire("east", LOOK, now)
        assert circuit_open is not None
        assert circuit_open.retry_after is not None
        pauses.append(circuit_open.retry_after)
        now += timedelta(seconds=circuit_open.retry_after)
        assert breakers.acquire("east", LOOK, now) is None
        assert breakers.acquire("east", LOOK, now) is not None  # the probe is in flight
        breakers.record("east", LOOK, now, error())

    assert pauses == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]


@pytest.mark.parametrize(
    "answer",
    [None, error(Kind.THROTTLED), SwrError(Kind.TRANSIENT, "SVCSTG.SWR.5000021", "failed")],
    ids=["ok", "throttled", "worded"],
)
def test_any_answer_of_swr_closes_a_breaker(answer: SwrError | None) -> None:
    breakers = open_breakers()

    breakers.record("east", LOOK, NOW, answer)

    assert breakers.acquire("east", LOOK, NOW) is None
    assert not any(breakers.open("east").values())


def test_failures_of_requests_already_in_flight_do_not_prolong_the_pause() -> None:
    breakers = open_breakers()
    for _ in range(8):
        breakers.record("east", LOOK, NOW, error())

    assert breakers.acquire("east", LOOK, NOW + 5 * SECOND) is None


def test_a_released_probe_can_be_made_by_another_run() -> None:
    breakers = open_breakers()
    assert breakers.acquire("east", LOOK, NOW + 5 * SECOND) is None

    breakers.release("east", LOOK, NOW + 5 * SECOND)

    assert breakers.acquire("east", LOOK, NOW + 5 * SECOND) is None


def test_a_breaker_does_not_stay_open_after_the_clock_was_set_back() -> None:
    assert open_breakers().acquire("east", LOOK, NOW - timedelta(hours=2)) is None
