"""Adaptive rate limiter: a token bucket for each endpoint, slower while SWR throttles."""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

# Without a number in the configuration, the rate of an endpoint begins here and grows up to there,
# in requests per second.
AUTO_START, AUTO_MOST = 20, 50
# The rate halves when SWR throttles, and grows by this part of the most each second.
_GROWTH = 0.01
_MIN_RATE = 0.1
# Requests that were in flight together are throttled together: that halves the rate only once.
_THROTTLE_WINDOW = timedelta(seconds=1)
# After an answer that took longer, a rate without a number does not grow for a while.
_SLOW_ANSWER = timedelta(seconds=2)
_NO_GROWTH = timedelta(seconds=5)
# No Retry-After pauses an endpoint for longer, nor does a clock that was set back.
MAX_PAUSE = timedelta(hours=1)
# A bucket that would be empty for longer than this was filled before the clock was set back.
_MAX_DEBT = timedelta(minutes=10)


@dataclass(slots=True)
class _Bucket:
    full_at: datetime  # when it will be full again
    slowed_to: float | None = None  # per second, at `slowed_at`; the rate grows from there
    slowed_at: datetime | None = None
    throttled_at: datetime | None = None
    paused_until: datetime | None = None

    def rate(self, now: datetime, per_second: int | None) -> float:
        if self.slowed_to is None or self.slowed_at is None:
            if per_second is not None:
                return per_second
            self.slowed_to, self.slowed_at = AUTO_START, now
        most = AUTO_MOST if per_second is None else per_second
        growth = max((now - self.slowed_at).total_seconds(), 0) * most * _GROWTH
        return min(self.slowed_to + growth, most)


class AdaptiveRateLimiter:
    """Allows so many requests per second to each endpoint, with bursts of one second's worth.

    The rates are those of all processes together; each gets an equal share. `per_second` None
    means that the limiter finds the rate by itself.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buckets: dict[str, _Bucket] = {}
        self._processes = 1

    def set_share(self, processes: int) -> None:
        """Divide the rates by the number of processes that send requests."""
        self._processes = max(processes, 1)

    def delay(self, endpoint: str, now: datetime, per_second: int | None) -> timedelta:
        """Return how long a request would have to wait now."""
        with self._lock:
            return self._delay(self._bucket(endpoint, now), now, per_second)

    def reserve(
        self,
        endpoint: str,
        now: datetime,
        per_second: int | None,
        *,
        at_most: timedelta | None = None,
    ) -> timedelta | None:
        """Take a request out of the bucket; return how long it has to wait.

        None if it would have to wait for longer than `at_most`: then nothing is taken.
        """
        with self._lock:
            bucket = self._bucket(endpoint, now)
            wait = self._delay(bucket, now, per_second)
            if at_most is not None and wait > at_most:
                return None
            rate = self._rate(bucket, now, per_second)
            bucket.full_at = max(bucket.full_at, now) + timedelta(seconds=1 / rate)
            return wait

    def pause(self, endpoint: str, now: datetime) -> timedelta:
        """Return how long the endpoint gets no request because it sent Retry-After."""
        with self._lock:
            return _remaining_pause(self._bucket(endpoint, now), now)

    def throttle(
        self, endpoint: str, now: datetime, per_second: int | None, retry_after: float | None
    ) -> None:
        """Halve the endpoint's rate, and pause it for `retry_after` seconds."""
        with self._lock:
            bucket = self._bucket(endpoint, now)
            throttled_at = bucket.throttled_at
            if throttled_at is None or not timedelta() <= now - throttled_at < _THROTTLE_WINDOW:
                bucket.slowed_to = max(bucket.rate(now, per_second) / 2, _MIN_RATE)
                bucket.slowed_at = bucket.throttled_at = now
            if retry_after:
                pause_end = now + min(timedelta(seconds=retry_after), MAX_PAUSE)
                bucket.paused_until = max(bucket.paused_until or pause_end, pause_end)

    def answered(
        self, endpoint: str, now: datetime, per_second: int | None, took: timedelta
    ) -> None:
        """Note how long an answer took: a rate without a number grows only while they are quick."""
        if per_second is None and took > _SLOW_ANSWER:
            with self._lock:
                bucket = self._bucket(endpoint, now)
                bucket.slowed_to = bucket.rate(now, per_second)
                bucket.slowed_at = now + _NO_GROWTH

    def rate(self, endpoint: str, now: datetime, per_second: int | None) -> float:
        """Return how many requests per second the endpoint gets at most from this process now."""
        with self._lock:
            return self._rate(self._bucket(endpoint, now), now, per_second)

    def _rate(self, bucket: _Bucket, now: datetime, per_second: int | None) -> float:
        return bucket.rate(now, per_second) / self._processes

    def _delay(self, bucket: _Bucket, now: datetime, per_second: int | None) -> timedelta:
        burst = max(1 - 1 / self._rate(bucket, now, per_second), 0)  # a second's worth, less this
        earliest = bucket.full_at - timedelta(seconds=burst)
        return max(earliest - now, _remaining_pause(bucket, now), timedelta())

    def _bucket(self, endpoint: str, now: datetime) -> _Bucket:
        bucket = self._buckets.setdefault(endpoint, _Bucket(now))
        if bucket.full_at - now >= _MAX_DEBT:
            bucket.full_at = now
        return bucket


def _remaining_pause(bucket: _Bucket, now: datetime) -> timedelta:
    if bucket.paused_until is None or bucket.paused_until - now > MAX_PAUSE:
        return timedelta()
    return max(bucket.paused_until - now, timedelta())
