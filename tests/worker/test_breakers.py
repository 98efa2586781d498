"""The breakers: which endpoints are left alone, and for how long."""

from datetime import timedelta

import pytest

from swrhook.errors import Kind, SwrError
from swrhook.worker.circuit_breaker import OPENS_AFTER, CircuitBreakers, Operation
from tests.ledger.parts import NOW, SECOND
from tests.worker.parts import error

LOOK = Operation.LOOK_TARGET


def opened() -> CircuitBreakers:
    breakers = CircuitBreakers()
    for _ in range(OPENS_AFTER):
        assert breakers.acquire("east", LOOK, NOW) is None
        breakers.record("east", LOOK, NOW, error())
    return breakers


def test_a_breaker_opens_for_one_region_and_operation() -> None:
    breakers = opened()

    not_asked = breakers.acquire("east", LOOK, NOW)

    assert not_asked is not None
    assert not_asked.retry_after == 5.0
    assert (
        not_asked.message
        == "east is not asked (look_target): 5 requests in a row failed, the last: what SWR said"
    )
    assert breakers.acquire("east", Operation.SYNC_IMAGES, NOW) is None
    assert breakers.acquire("west", LOOK, NOW) is None


def test_one_probe_goes_through_after_growing_pauses() -> None:
    breakers, now, pauses = opened(), NOW, []
    for _ in range(6):
        not_asked = breakers.acquire("east", LOOK, now)
        assert not_asked is not None
        assert not_asked.retry_after is not None
        pauses.append(not_asked.retry_after)
        now += timedelta(seconds=not_asked.retry_after)
        assert breakers.acquire("east", LOOK, now) is None
        assert breakers.acquire("east", LOOK, now) is not None  # the probe is on its way
        breakers.record("east", LOOK, now, error())

    assert pauses == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]


@pytest.mark.parametrize(
    "answer",
    [None, error(Kind.THROTTLED), SwrError(Kind.TRANSIENT, "SVCSTG.SWR.5000021", "failed")],
    ids=["ok", "throttled", "worded"],
)
def test_any_answer_of_swrs_own_closes_it(answer: SwrError | None) -> None:
    breakers = opened()

    breakers.record("east", LOOK, NOW, answer)

    assert breakers.acquire("east", LOOK, NOW) is None
    assert not any(breakers.open("east").values())


def test_failures_of_requests_that_were_on_their_way_make_no_pause_longer() -> None:
    breakers = opened()
    for _ in range(8):
        breakers.record("east", LOOK, NOW, error())

    assert breakers.acquire("east", LOOK, NOW + 5 * SECOND) is None


def test_a_probe_that_was_not_made_is_anothers() -> None:
    breakers = opened()
    assert breakers.acquire("east", LOOK, NOW + 5 * SECOND) is None

    breakers.release("east", LOOK, NOW + 5 * SECOND)

    assert breakers.acquire("east", LOOK, NOW + 5 * SECOND) is None


def test_a_clock_that_was_set_back_leaves_no_endpoint_alone_for_long() -> None:
    assert opened().acquire("east", LOOK, NOW - timedelta(hours=2)) is None
