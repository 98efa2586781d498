"""How often one endpoint is asked: a token bucket for each, slower when SWR asks for it."""

import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

# A bucket that would be empty for longer was counted by a clock that has been set back since.
_LONGEST_EMPTY = timedelta(minutes=10)
# What is asked of an endpoint halves with each throttled answer, and grows by this afterwards.
_GROWTH_PER_SECOND = 0.1
_SLOWEST = 0.1
# Answers to calls that were on their way together are one sign, not many.
_ONE_SIGN = timedelta(seconds=1)
# No Retry-After silences an endpoint for longer, nor does a clock that has been set back.
LONGEST_PAUSE = timedelta(hours=1)
# The part of a bucket that only runs with fresh calls to make may use.
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
        grown = max((now - self.slowed_at).total_seconds(), 0) * _GROWTH_PER_SECOND
        return min(self.slowed_to + grown, per_second)


class AdaptiveRateLimiter:
    """Lets `per_second` requests to an endpoint through, a second's worth of them at once."""

    def __init__(self) -> None:
        """Start with full buckets."""
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
        """Return how long to wait before a request, nothing when one may be made now.

        `ahead` others go first. Who leaves the reserve waits until a quarter would be left.
        """
        with self._lock:
            bucket = self._bucket(endpoint, now)
            rate = bucket.rate(now, per_second)
            at_once = max(1 - 1 / rate, 0)  # a second's worth, this one among it
            if leaves_reserve:
                at_once *= 1 - _RESERVE
            earliest = bucket.full_at + timedelta(seconds=ahead / rate - at_once)
            return max(earliest - now, self._pause(bucket, now), timedelta())

    def pause(self, endpoint: str, now: datetime) -> timedelta:
        """Return for how long the endpoint has asked to be left alone."""
        with self._lock:
            return self._pause(self._bucket(endpoint, now), now)

    def consume(self, endpoint: str, now: datetime, per_second: int) -> None:
        """Take a request out of the endpoint's bucket, which may owe it."""
        with self._lock:
            bucket = self._bucket(endpoint, now)
            rate = bucket.rate(now, per_second)
            bucket.full_at = max(bucket.full_at, now) + timedelta(seconds=1 / rate)

    def throttle(
        self, endpoint: str, now: datetime, per_second: int, retry_after: float | None
    ) -> None:
        """Ask half as often from now on, and nothing at all for `retry_after` seconds."""
        with self._lock:
            bucket = self._bucket(endpoint, now)
            if bucket.slowed_at is None or not timedelta() <= now - bucket.slowed_at < _ONE_SIGN:
                bucket.slowed_to = max(bucket.rate(now, per_second) / 2, _SLOWEST)
                bucket.slowed_at = now
            if retry_after:
                wanted = now + min(timedelta(seconds=retry_after), LONGEST_PAUSE)
                bucket.paused_until = max(bucket.paused_until or wanted, wanted)

    def rate(self, endpoint: str, now: datetime, per_second: int) -> float:
        """Return how many requests a second the endpoint is asked at most, now."""
        with self._lock:
            return self._bucket(endpoint, now).rate(now, per_second)

    def _bucket(self, endpoint: str, now: datetime) -> _Bucket:
        bucket = self._buckets.setdefault(endpoint, _Bucket(now))
        if bucket.full_at - now >= _LONGEST_EMPTY:
            bucket.full_at = now
        return bucket

    def _pause(self, bucket: _Bucket, now: datetime) -> timedelta:
        if bucket.paused_until is None or bucket.paused_until - now > LONGEST_PAUSE:
            return timedelta()
        return max(bucket.paused_until - now, timedelta())
