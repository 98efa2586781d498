"""Adaptive rate limiter: a token bucket for each endpoint, slower while SWR throttles."""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

# A bucket that would be empty for longer than this was filled before the clock was set back.
_MAX_DEBT = timedelta(minutes=10)
# The rate halves when SWR throttles, and grows by this many requests per second each second.
_GROWTH_PER_SECOND = 0.1
_MIN_RATE = 0.1
# Requests that were in flight together are throttled together: that halves the rate only once.
_THROTTLE_WINDOW = timedelta(seconds=1)
# No Retry-After pauses an endpoint for longer, nor does a clock that was set back.
MAX_PAUSE = timedelta(hours=1)
# The part of a bucket that is reserved for runs that make calls for fresh pushes.
_RESERVE = 0.25


@dataclass(slots=True)
class _Bucket:
    full_at: datetime  # when it will be full again
    slowed_to: float | None = None  # per second, at `slowed_at`
    slowed_at: datetime | None = None
    paused_until: datetime | None = None

    def rate(self, now: datetime, per_second: int) -> float:
        if self.slowed_to is None or self.slowed_at is None:
            return per_second
        growth = max((now - self.slowed_at).total_seconds(), 0) * _GROWTH_PER_SECOND
        return min(self.slowed_to + growth, per_second)


class AdaptiveRateLimiter:
    """Allows `per_second` requests to each endpoint, with bursts of one second's worth."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buckets: dict[str, _Bucket] = {}

    def delay(
        self,
        endpoint: str,
        now: datetime,
        per_second: int,
        *,
        ahead: int = 0,
        leaves_reserve: bool = False,
    ) -> timedelta:
        """Return how long to wait before a request; zero if it may be made now.

        `ahead` is the number of requests that go first. With `leaves_reserve`, the request has to
        wait until it would leave a quarter of the bucket.
        """
        with self._lock:
            bucket = self._bucket(endpoint, now)
            rate = bucket.rate(now, per_second)
            burst = max(1 - 1 / rate, 0)  # one second's worth, less this request
            if leaves_reserve:
                burst *= 1 - _RESERVE
            earliest = bucket.full_at + timedelta(seconds=ahead / rate - burst)
            return max(earliest - now, _remaining_pause(bucket, now), timedelta())

    def pause(self, endpoint: str, now: datetime) -> timedelta:
        """Return how long the endpoint gets no request because it sent Retry-After."""
        with self._lock:
            return _remaining_pause(self._bucket(endpoint, now), now)

    def consume(self, endpoint: str, now: datetime, per_second: int) -> None:
        """Take a request out of the endpoint's bucket, even if that is empty."""
        with self._lock:
            bucket = self._bucket(endpoint, now)
            rate = bucket.rate(now, per_second)
            bucket.full_at = max(bucket.full_at, now) + timedelta(seconds=1 / rate)

    def throttle(
        self, endpoint: str, now: datetime, per_second: int, retry_after: float | None
    ) -> None:
        """Halve the endpoint's rate, and pause it for `retry_after` seconds."""
        with self._lock:
            bucket = self._bucket(endpoint, now)
            slowed_at = bucket.slowed_at
            if slowed_at is None or not timedelta() <= now - slowed_at < _THROTTLE_WINDOW:
                bucket.slowed_to = max(bucket.rate(now, per_second) / 2, _MIN_RATE)
                bucket.slowed_at = now
            if retry_after:
                pause_end = now + min(timedelta(seconds=retry_after), MAX_PAUSE)
                bucket.paused_until = max(bucket.paused_until or pause_end, pause_end)

    def rate(self, endpoint: str, now: datetime, per_second: int) -> float:
        """Return how many requests per second the endpoint gets at most now."""
        with self._lock:
            return self._bucket(endpoint, now).rate(now, per_second)

    def _bucket(self, endpoint: str, now: datetime) -> _Bucket:
        bucket = self._buckets.setdefault(endpoint, _Bucket(now))
        if bucket.full_at - now >= _MAX_DEBT:
            bucket.full_at = now
        return bucket


def _remaining_pause(bucket: _Bucket, now: datetime) -> timedelta:
    if bucket.paused_until is None or bucket.paused_until - now > MAX_PAUSE:
        return timedelta()
    return max(bucket.paused_until - now, timedelta())
