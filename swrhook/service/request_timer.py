"""Limits how long a thread reads a connection."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from swrhook.periodic import PeriodicThread
from swrhook.service.request_reader import end_reading

_CHECK_INTERVAL = 0.5


class RequestTimer(PeriodicThread):
    """Ends the reading of connections whose time limit has passed."""

    def __init__(self, timeout: float) -> None:
        super().__init__("request_timer", self._end_late_requests, _CHECK_INTERVAL)
        self._timeout = timeout
        self._deadlines: dict[Any, float] = {}  # by gunicorn's connections
        self._lock = threading.Lock()

    @contextmanager
    def limit(self, connection: Any) -> Iterator[None]:  # noqa: ANN401  # gunicorn's own types
        """Limit the time of a block that reads a connection."""
        with self._lock:
            self._deadlines[connection] = time.monotonic() + self._timeout
        try:
            yield
        finally:
            with self._lock:
                del self._deadlines[connection]

    def _end_late_requests(self) -> None:
        now = time.monotonic()
        # Under the lock: after the block ends, the socket may be closed and its file descriptor
        # may belong to another connection.
        with self._lock:
            for connection, deadline in self._deadlines.items():
                if deadline <= now:
                    # `sock` is read only here: a TLS handshake replaces it.
                    end_reading(connection.sock)
