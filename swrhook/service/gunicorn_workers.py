"""gunicorn workers that give up on slow requests, and that drain before they stop.

gunicorn's own worker waits without limit for the rest of a header, of a body, and of a body that
the application does not read. Here every thread's connection has a time limit. After it, reading
the connection looks as if the client had hung up, while a response can still be written.
"""

import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from swrhook.periodic import PeriodicThread

REQUEST_TIMEOUT = 10.0
# The key in the Flask application's extensions of the event that ends deliberate waits.
LEAVING = "swrhook.leaving"
# Long enough for a load balancer that polls /readyz every two seconds to send nothing more.
DRAIN_TIME = 6.0
_CHECK_INTERVAL = 0.5
_MAX_LINGER = 2.0


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
                    _end_reading(connection.sock)


class TimeoutThreadWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """A gthread worker that limits the time in which a request has to arrive."""

    def init_process(self) -> None:
        """Start the timer, after the fork: threads do not survive it."""
        self.timer = RequestTimer(REQUEST_TIMEOUT)
        self.timer.start()
        super().init_process()

    def handle_exit(self, sig: int, frame: Any) -> None:  # noqa: ANN401  # gunicorn's own types
        """Stop. Deliberate waits end first: gunicorn would wait for their requests."""
        self.exit_if_starting()
        self.set_leaving()
        super().handle_exit(sig, frame)

    def exit_if_starting(self) -> None:
        """Exit at once if the application is still starting: it may be waiting for the ledger."""
        if not self.booted:
            sys.exit(0)

    def set_leaving(self) -> None:
        """Set the application's event, which also makes /readyz answer 503."""
        leaving = getattr(getattr(self, "wsgi", None), "extensions", {}).get(LEAVING)
        if leaving is not None:
            leaving.set()

    def handle(self, conn: Any) -> Any:  # noqa: ANN401  # gunicorn's own types
        """Serve one request of a connection."""
        with self.timer.limit(conn):
            keep_alive = super().handle(conn)
            if keep_alive is False:
                _linger(conn.sock)
            return keep_alive


class DrainingWorker(TimeoutThreadWorker):
    """A worker that still serves for a while after SIGTERM, while /readyz answers 503.

    gunicorn's master closes its listeners at once; those of this process stay open meanwhile.
    """

    def handle_exit(self, sig: int, frame: Any) -> None:  # noqa: ANN401  # gunicorn's own types
        """Stop after DRAIN_TIME."""
        self.exit_if_starting()
        self.set_leaving()
        leave = threading.Timer(DRAIN_TIME, super().handle_exit, (sig, frame))
        leave.daemon = True
        leave.start()


# Below, the methods of socket.socket itself: those of a TLS socket would continue in plain text.


def _end_reading(connection: socket.socket) -> None:
    """Make every read of a socket, also one in progress, return its end; writing still works."""
    with suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RD)


def _linger(connection: socket.socket) -> None:
    """Give the client time to read the response.

    A socket that is closed with unread data is reset, and the client may lose the response.
    gunicorn lingers too, but in the loop that serves all connections. After this function it has
    nothing left to wait for.
    """
    deadline = time.monotonic() + _MAX_LINGER
    with suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_WR)
        while (remaining := deadline - time.monotonic()) > 0:
            connection.settimeout(remaining)
            if not socket.socket.recv(connection, 64 * 1024):
                break
    _end_reading(connection)
