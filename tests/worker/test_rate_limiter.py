"""The rate limiter: a token bucket for each endpoint."""

from datetime import timedelta

import pytest

from swrhook.worker.rate_limiter import AdaptiveRateLimiter
from tests.factories import NOW, SECOND

ZERO = timedelta()


def test_one_seconds_worth_of_requests_may_be_made_at_once() -> None:
    limiter = AdaptiveRateLimiter()
    waits = []
    for _ in range(8):
        waits.append(limiter.delay("north", NOW, 4))
        limiter.consume("north", NOW, 4)

    assert [wait.total_seconds() for wait in waits] == [0, 0, 0, 0, 0.25, 0.5, 0.75, 1.0]


def test_a_bucket_refills() -> None:
    limiter = AdaptiveRateLimiter()
    for _ in range(4):
        limiter.consume("north", NOW, 4)

    assert limiter.delay("north", NOW, 4) == 0.25 * SECOND
    assert limiter.delay("north", NOW + 0.25 * SECOND, 4) == ZERO
    assert limiter.delay("north", NOW + 3600 * SECOND, 4) == ZERO


def test_each_endpoint_has_its_own_bucket() -> None:
    limiter = AdaptiveRateLimiter()
    for _ in range(4):
        limiter.consume("north", NOW, 4)

    assert limiter.delay("east", NOW, 4) == ZERO


def test_no_bucket_stays_empty_after_the_clock_was_set_back() -> None:
    limiter = AdaptiveRateLimiter()
    for _ in range(4):
        limiter.consume("north", NOW, 4)
    before = NOW - 7200 * SECOND

    assert limiter.delay("north", before, 4) == ZERO
    limiter.consume("north", before, 4)
    assert limiter.delay("north", before, 4) == ZERO


def test_throttling_halves_the_rate_which_then_grows_again() -> None:
    limiter = AdaptiveRateLimiter()
    for _ in range(8):  # answers to requests that were in flight together
        limiter.throttle("north", NOW, 20, None)
    rates = [limiter.rate("north", NOW + seconds * SECOND, 20) for seconds in (0, 10, 100, 999)]

    assert rates == [10, 11, 20, 20]
    assert limiter.rate("east", NOW, 20) == 20


def test_the_rate_never_falls_below_one_request_in_ten_seconds() -> None:
    limiter = AdaptiveRateLimiter()
    for seconds in range(60):
        limiter.throttle("north", NOW + seconds * SECOND, 20, None)
    now = NOW + 59 * SECOND
    limiter.consume("north", now, 20)

    assert 0.1 <= limiter.rate("north", now, 20) < 0.3
    assert ZERO < limiter.delay("north", now, 20) <= 10 * SECOND


@pytest.mark.parametrize(("retry_after", "pause"), [(30.0, 30), (86_400.0, 3600)])
def test_a_retry_after_pauses_the_endpoint_for_at_most_an_hour(
    retry_after: float, pause: int
) -> None:
    limiter = AdaptiveRateLimiter()
    limiter.throttle("north", NOW, 20, retry_after)

    assert limiter.pause("north", NOW) == limiter.delay("north", NOW, 20) == pause * SECOND
    assert limiter.pause("north", NOW + pause * SECOND) == ZERO
    assert limiter.pause("north", NOW - 7200 * SECOND) == ZERO
