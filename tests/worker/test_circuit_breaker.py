"""Circuit breakers: which endpoints get no requests, and for how long."""

from datetime import datetime, timedelta

import pytest

from swrhook.errors import Kind, SwrError
from swrhook.worker.circuit_breaker import FAILURES_TO_OPEN, CircuitBreakers, Operation
from tests.factories import NOW, SECOND
from tests.worker.harness import error

LOOK = Operation.LOOK_TARGET
ZERO = timedelta()


def open_breakers() -> CircuitBreakers:
    breakers = CircuitBreakers()
    for _ in range(FAILURES_TO_OPEN):
        assert breakers.acquire("east", LOOK, NOW) is None
        breakers.record("east", LOOK, NOW, error())
    return breakers


def is_allowed(breakers: CircuitBreakers, now: datetime) -> bool:
    return breakers.acquire("east", LOOK, now) is None


def test_a_breaker_opens_for_one_region_and_operation() -> None:
    breakers = open_breakers()

    circuit_open = breakers.acquire("east", LOOK, NOW)

    assert circuit_open is not None
    assert circuit_open.retry_after == 0.5
    assert circuit_open.message == (
        "the circuit breaker of east (look_target) is open: "
        "5 requests in a row failed, the last with: what SWR said"
    )
    assert breakers.acquire("east", Operation.SYNC_IMAGES, NOW) is None
    assert breakers.acquire("west", LOOK, NOW) is None


def test_a_breaker_stays_closed_while_answers_come_between_the_failures() -> None:
    breakers = CircuitBreakers()
    for number in range(20):
        breakers.record("east", LOOK, NOW, error() if number % FAILURES_TO_OPEN else None)

    assert breakers.wait("east", LOOK, NOW) == ZERO
    assert not any(breakers.open("east").values())


def test_one_probe_is_allowed_after_each_pause_of_at_most_a_second() -> None:
    breakers, now, pauses = open_breakers(), NOW, []
    for _ in range(4):
        circuit_open = breakers.acquire("east", LOOK, now)
        assert circuit_open is not None
        assert circuit_open.retry_after is not None
        pauses.append(circuit_open.retry_after)
        now += timedelta(seconds=circuit_open.retry_after)
        assert is_allowed(breakers, now)
        assert not is_allowed(breakers, now)  # the probe is in flight
        breakers.record("east", LOOK, now, error())

    assert pauses == [0.5, 1.0, 1.0, 1.0]


def test_the_wait_is_how_long_acquire_would_allow_no_request_and_takes_no_probe() -> None:
    breakers = open_breakers()

    waits = [breakers.wait("east", LOOK, NOW + seconds * SECOND) for seconds in (0, 0.2, 0.5)]

    assert waits == [0.5 * SECOND, 0.3 * SECOND, ZERO]
    assert is_allowed(breakers, NOW + 0.5 * SECOND)
    assert breakers.wait("east", LOOK, NOW + 0.5 * SECOND) == 0.5 * SECOND  # the probe's result
    assert breakers.wait("west", LOOK, NOW) == ZERO


def test_a_probe_that_hangs_is_replaced_after_five_seconds() -> None:
    breakers = open_breakers()
    probed_at = NOW + 0.5 * SECOND
    assert is_allowed(breakers, probed_at)

    assert not is_allowed(breakers, probed_at + 4.9 * SECOND)
    assert breakers.wait("east", LOOK, probed_at + 4.9 * SECOND) == 0.1 * SECOND
    assert is_allowed(breakers, probed_at + 5 * SECOND)
    assert not is_allowed(breakers, probed_at + 5 * SECOND)


@pytest.mark.parametrize(
    "answer",
    [None, error(Kind.THROTTLED), SwrError(Kind.TRANSIENT, "SVCSTG.SWR.5000021", "failed")],
    ids=["ok", "throttled", "worded"],
)
def test_any_answer_of_swr_closes_a_breaker(answer: SwrError | None) -> None:
    breakers = open_breakers()
    assert breakers.open("east") == {
        "look_source": False,
        "look_target": True,
        "sync_images": False,
    }

    breakers.record("east", LOOK, NOW, answer)

    assert is_allowed(breakers, NOW)
    assert breakers.wait("east", LOOK, NOW) == ZERO
    assert not any(breakers.open("east").values())


def test_failures_of_requests_already_in_flight_do_not_prolong_the_pause() -> None:
    breakers = open_breakers()
    for _ in range(8):
        breakers.record("east", LOOK, NOW + 0.4 * SECOND, error())

    assert is_allowed(breakers, NOW + 0.5 * SECOND)


def test_a_released_probe_can_be_made_by_another_run() -> None:
    breakers, now = open_breakers(), NOW + 0.5 * SECOND
    assert is_allowed(breakers, now)

    breakers.release("east", LOOK, now)

    assert is_allowed(breakers, now)


def test_releasing_an_ordinary_request_changes_nothing() -> None:
    breakers = CircuitBreakers()
    assert is_allowed(breakers, NOW)

    breakers.release("east", LOOK, NOW)

    assert is_allowed(breakers, NOW)
    assert not any(breakers.open("east").values())


def test_a_breaker_does_not_stay_open_after_the_clock_was_set_back() -> None:
    assert is_allowed(open_breakers(), NOW - timedelta(hours=2))
