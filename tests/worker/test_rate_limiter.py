"""The rate limiter: a token bucket for each endpoint, at a rate that is given or found."""

from datetime import timedelta

import pytest

from swrhook.worker.rate_limiter import AUTO_MOST, AUTO_START, AdaptiveRateLimiter
from tests.factories import NOW, SECOND

ZERO = timedelta()
AUTO = None


def spend(limiter: AdaptiveRateLimiter, requests: int, per_second: int | None = 4) -> None:
    for _ in range(requests):
        assert limiter.reserve("north", NOW, per_second) is not None


def rate(limiter: AdaptiveRateLimiter, seconds: float, per_second: int | None = AUTO) -> float:
    return limiter.rate("north", NOW + seconds * SECOND, per_second)


def test_one_seconds_worth_of_requests_goes_at_once_and_each_further_one_waits_its_turn() -> None:
    limiter = AdaptiveRateLimiter()

    waits = [limiter.reserve("north", NOW, 4) for _ in range(8)]

    assert waits == [ZERO] * 4 + [number * 0.25 * SECOND for number in (1, 2, 3, 4)]


def test_the_delay_is_what_the_next_request_would_wait_and_takes_nothing() -> None:
    limiter = AdaptiveRateLimiter()
    spend(limiter, 4)

    assert [limiter.delay("north", NOW, 4) for _ in range(3)] == [0.25 * SECOND] * 3
    assert limiter.reserve("north", NOW, 4) == 0.25 * SECOND
    assert limiter.delay("north", NOW, 4) == 0.5 * SECOND


def test_a_request_that_would_wait_for_too_long_takes_nothing() -> None:
    limiter = AdaptiveRateLimiter()
    spend(limiter, 6)

    assert [limiter.reserve("north", NOW, 4, at_most=0.5 * SECOND) for _ in range(3)] == [None] * 3
    assert limiter.reserve("north", NOW, 4, at_most=0.75 * SECOND) == 0.75 * SECOND
    assert limiter.reserve("north", NOW, 4, at_most=0.75 * SECOND) is None


def test_a_bucket_refills() -> None:
    limiter = AdaptiveRateLimiter()
    spend(limiter, 4)

    assert limiter.delay("north", NOW, 4) == 0.25 * SECOND
    assert limiter.delay("north", NOW + 0.25 * SECOND, 4) == ZERO
    later = NOW + 3600 * SECOND  # not more than one second's worth has gathered
    assert [limiter.reserve("north", later, 4) for _ in range(5)] == [ZERO] * 4 + [0.25 * SECOND]


def test_each_endpoint_has_its_own_bucket() -> None:
    limiter = AdaptiveRateLimiter()
    spend(limiter, 4)

    assert limiter.delay("east", NOW, 4) == ZERO


def test_no_bucket_stays_empty_after_the_clock_was_set_back() -> None:
    limiter = AdaptiveRateLimiter()
    spend(limiter, 4)
    before = NOW - 7200 * SECOND

    assert limiter.delay("north", before, 4) == ZERO
    assert [limiter.reserve("north", before, 4) for _ in range(2)] == [ZERO] * 2


# Shares of several processes


def test_the_processes_share_the_rate_equally() -> None:
    limiter = AdaptiveRateLimiter()
    limiter.set_share(4)

    assert limiter.rate("north", NOW, 20) == 5
    assert [limiter.reserve("north", NOW, 20) for _ in range(6)] == [ZERO] * 5 + [0.2 * SECOND]
    limiter.set_share(1)
    assert limiter.rate("north", NOW, 20) == 20


def test_a_share_below_one_request_per_second_allows_one_at_a_time() -> None:
    limiter = AdaptiveRateLimiter()
    limiter.set_share(4)

    assert [limiter.reserve("north", NOW, 1) for _ in range(3)] == [ZERO, 4 * SECOND, 8 * SECOND]


def test_a_process_alone_has_the_whole_rate() -> None:
    limiter = AdaptiveRateLimiter()
    limiter.set_share(0)  # none has reported itself yet

    assert limiter.rate("north", NOW, 20) == 20


def test_the_processes_share_a_throttled_rate_too() -> None:
    limiter = AdaptiveRateLimiter()
    limiter.set_share(2)
    limiter.throttle("north", NOW, 20, None)

    assert limiter.rate("north", NOW, 20) == 5


# Throttling


def test_throttling_halves_the_rate_which_then_grows_by_a_hundredth_of_the_most_each_second() -> (
    None
):
    limiter = AdaptiveRateLimiter()
    for _ in range(8):  # answers to requests that were in flight together
        limiter.throttle("north", NOW, 20, None)

    assert [rate(limiter, seconds, 20) for seconds in (0, 1, 10, 50, 999)] == [10, 10.2, 12, 20, 20]
    assert limiter.rate("east", NOW, 20) == 20


def test_a_second_later_throttling_halves_the_rate_again() -> None:
    limiter = AdaptiveRateLimiter()
    limiter.throttle("north", NOW, 20, None)
    limiter.throttle("north", NOW + 0.9 * SECOND, 20, None)
    assert rate(limiter, 0.9, 20) == pytest.approx(10.18)

    limiter.throttle("north", NOW + SECOND, 20, None)

    assert rate(limiter, 1, 20) == pytest.approx(5.1)


def test_the_rate_never_falls_below_one_request_in_ten_seconds() -> None:
    limiter = AdaptiveRateLimiter()
    for seconds in range(60):
        limiter.throttle("north", NOW + seconds * SECOND, 1, None)
    now = NOW + 59 * SECOND
    limiter.reserve("north", now, 1)

    assert limiter.rate("north", now, 1) == 0.1
    assert limiter.delay("north", now, 1) == 10 * SECOND


@pytest.mark.parametrize(("retry_after", "pause"), [(30.0, 30), (86_400.0, 3600)])
def test_a_retry_after_pauses_the_endpoint_for_at_most_an_hour(
    retry_after: float, pause: int
) -> None:
    limiter = AdaptiveRateLimiter()
    limiter.throttle("north", NOW, 20, retry_after)

    assert limiter.pause("north", NOW) == limiter.delay("north", NOW, 20) == pause * SECOND
    assert limiter.reserve("north", NOW, 20, at_most=5 * SECOND) is None
    assert limiter.pause("north", NOW + pause * SECOND) == ZERO
    assert limiter.pause("north", NOW - 7200 * SECOND) == ZERO


def test_a_shorter_retry_after_does_not_shorten_a_pause() -> None:
    limiter = AdaptiveRateLimiter()
    limiter.throttle("north", NOW, 20, 30.0)
    limiter.throttle("north", NOW, 20, 1.0)

    assert limiter.pause("north", NOW) == 30 * SECOND


# A rate that the limiter finds by itself


def test_an_unset_rate_begins_at_20_and_rises_to_50_while_answers_are_quick() -> None:
    limiter = AdaptiveRateLimiter()

    rates = []
    for seconds in range(0, 121, 10):
        rates.append(rate(limiter, seconds))
        limiter.answered("north", NOW + seconds * SECOND, AUTO, 2 * SECOND)

    assert rates == [20, 25, 30, 35, 40, 45, *[50] * 7]
    assert (AUTO_START, AUTO_MOST) == (20, 50)


def test_an_unset_rate_does_not_rise_for_five_seconds_after_a_slow_answer() -> None:
    limiter = AdaptiveRateLimiter()
    assert rate(limiter, 0) == 20

    limiter.answered("north", NOW + 10 * SECOND, AUTO, 2.1 * SECOND)

    assert [rate(limiter, seconds) for seconds in (10, 15, 17)] == [25, 25, 26]


def test_slow_answers_keep_an_unset_rate_where_it_is() -> None:
    limiter = AdaptiveRateLimiter()
    for seconds in range(60):
        limiter.answered("north", NOW + seconds * SECOND, AUTO, 30 * SECOND)

    assert rate(limiter, 60) == 20


def test_an_unset_rate_halves_on_throttling_and_grows_again() -> None:
    limiter = AdaptiveRateLimiter()
    assert rate(limiter, 0) == 20

    limiter.throttle("north", NOW + 40 * SECOND, AUTO, None)

    assert [rate(limiter, seconds) for seconds in (40, 50, 120, 999)] == [20, 25, 50, 50]


def test_slow_answers_do_not_slow_a_rate_that_is_set() -> None:
    limiter = AdaptiveRateLimiter()
    limiter.throttle("north", NOW, 20, None)
    limiter.answered("north", NOW, 20, 30 * SECOND)

    assert [rate(limiter, seconds, 20) for seconds in (0, 10, 50)] == [10, 12, 20]


def test_a_rate_that_was_found_goes_on_from_there_when_another_is_set() -> None:
    limiter = AdaptiveRateLimiter()
    assert rate(limiter, 0) == 20

    assert rate(limiter, 10, 100) == 30  # a reload sets 100: it grows by 1 a second
    assert rate(limiter, 10, 5) == 5
