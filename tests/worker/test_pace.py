"""The pacer: a bucket of calls for each endpoint."""

from datetime import timedelta

import pytest

from swrhook.worker.rate_limiter import AdaptiveRateLimiter
from tests.ledger.parts import NOW, SECOND

NOTHING = timedelta()


def test_a_seconds_worth_goes_at_once_and_then_one_by_one() -> None:
    pacer = AdaptiveRateLimiter()
    waits = []
    for _ in range(8):
        waits.append(pacer.delay("north", NOW, 4))
        pacer.consume("north", NOW, 4)

    assert [wait.total_seconds() for wait in waits] == [0, 0, 0, 0, 0.25, 0.5, 0.75, 1.0]


def test_a_bucket_fills_up_again() -> None:
    pacer = AdaptiveRateLimiter()
    for _ in range(4):
        pacer.consume("north", NOW, 4)

    assert pacer.delay("north", NOW, 4) == 0.25 * SECOND
    assert pacer.delay("north", NOW + 0.25 * SECOND, 4) == NOTHING
    assert pacer.delay("north", NOW + 3600 * SECOND, 4) == NOTHING


def test_each_endpoint_has_its_own() -> None:
    pacer = AdaptiveRateLimiter()
    for _ in range(4):
        pacer.consume("north", NOW, 4)

    assert pacer.delay("east", NOW, 4) == NOTHING


def test_a_clock_that_was_set_back_empties_no_bucket_for_long() -> None:
    pacer = AdaptiveRateLimiter()
    for _ in range(4):
        pacer.consume("north", NOW, 4)
    before = NOW - 7200 * SECOND

    assert pacer.delay("north", before, 4) == NOTHING
    pacer.consume("north", before, 4)
    assert pacer.delay("north", before, 4) == NOTHING


def test_a_throttled_endpoint_is_asked_half_as_often_and_slowly_more_again() -> None:
    pacer = AdaptiveRateLimiter()
    for _ in range(8):  # answers to calls that were on their way together
        pacer.throttle("north", NOW, 20, None)
    rates = [pacer.rate("north", NOW + seconds * SECOND, 20) for seconds in (0, 10, 100, 999)]

    assert rates == [10, 11, 20, 20]
    assert pacer.rate("east", NOW, 20) == 20


def test_it_is_never_asked_less_than_every_ten_seconds() -> None:
    pacer = AdaptiveRateLimiter()
    for seconds in range(60):
        pacer.throttle("north", NOW + seconds * SECOND, 20, None)
    now = NOW + 59 * SECOND
    pacer.consume("north", now, 20)

    assert 0.1 <= pacer.rate("north", now, 20) < 0.3
    assert NOTHING < pacer.delay("north", now, 20) <= 10 * SECOND


@pytest.mark.parametrize(("told", "pause"), [(30.0, 30), (86_400.0, 3600)])
def test_a_retry_after_is_kept_up_to_an_hour(told: float, pause: int) -> None:
    pacer = AdaptiveRateLimiter()
    pacer.throttle("north", NOW, 20, told)

    assert pause * SECOND == pacer.pause("north", NOW) == pacer.delay("north", NOW, 20)
    assert pacer.pause("north", NOW + pause * SECOND) == NOTHING
    assert pacer.pause("north", NOW - 7200 * SECOND) == NOTHING
