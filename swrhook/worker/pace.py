"""How often one endpoint is called: a token bucket for each."""

import threading
from datetime import datetime, timedelta

# A bucket that would be empty for longer was counted by a clock that has been set back since.
_LONGEST_EMPTY = timedelta(minutes=1)


class Pacer:
    """Lets `per_second` calls of an endpoint through, a second's worth of them at once."""

    def __init__(self) -> None:
        """Start with full buckets."""
        self._lock = threading.Lock()
        self._empty_until: dict[str, datetime] = {}  # when each bucket will be full again

    def wait(self, endpoint: str, now: datetime, per_second: int) -> timedelta:
        """Return how long to wait before a call, nothing when one may be made now."""
        with self._lock:
            full_at = self._full_at(endpoint, now)
        earliest = full_at - timedelta(seconds=1) + timedelta(seconds=1 / per_second)
        return max(earliest - now, timedelta())

    def count(self, endpoint: str, now: datetime, per_second: int) -> None:
        """Take a call out of the endpoint's bucket."""
        with self._lock:
            full_at = max(self._full_at(endpoint, now), now)
            self._empty_until[endpoint] = full_at + timedelta(seconds=1 / per_second)

    def _full_at(self, endpoint: str, now: datetime) -> datetime:
        full_at = self._empty_until.get(endpoint, now)
        return full_at if full_at - now < _LONGEST_EMPTY else now
