"""How often one endpoint is called: a token bucket for each."""

import threading
from datetime import datetime, timedelta


class Pacer:
    """Lets `per_second` calls of an endpoint through, a second's worth of them at once."""

    def __init__(self) -> None:
        """Start with full buckets."""
        self._lock = threading.Lock()
        self._empty_until: dict[str, datetime] = {}  # when each bucket will be full again

    def wait(self, endpoint: str, now: datetime, per_second: int) -> timedelta:
        """Return how long to wait before a call, nothing when one may be made now."""
        with self._lock:
            full_at = self._empty_until.get(endpoint, now)
        earliest = full_at - timedelta(seconds=1) + timedelta(seconds=1 / per_second)
        return max(earliest - now, timedelta())

    def count(self, endpoint: str, now: datetime, per_second: int) -> None:
        """Take a call out of the endpoint's bucket."""
        with self._lock:
            full_at = max(self._empty_until.get(endpoint, now), now)
            self._empty_until[endpoint] = full_at + timedelta(seconds=1 / per_second)
