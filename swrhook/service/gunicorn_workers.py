"""gunicorn's worker with an end to patience: a request must arrive, whole, within a time.

gunicorn's own thread waits without end for the rest of a header, of a body, and of a body that
nobody reads. Here each thread's connection is watched; what takes too long reads as if the sender
had hung up, while the answer can still be written.
"""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

REQUEST_TIMEOUT = 10.0
# Where the application keeps the event that ends its waits.
LEAVING = "swrhook.leaving"
# Until a load balancer that asks /readyz every two seconds sends nothing more.
DRAIN_TIME = 6.0
_BETWEEN_LOOKS = 0.5
_LONGEST_LINGER = 2.0


class RequestTimer:
    """Ends the reading of connections that are watched for longer than the patience."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._deadlines: dict[Any, float] = {}  # of gunicorn's connections
        self._lock = threading.Lock()

    @contextmanager
    def limit(self, connection: Any) -> Iterator[None]:  # noqa: ANN401  # gunicorn's own types
        """Watch a connection while something is done with it."""
        with self._lock:
            self._deadlines[connection] = time.monotonic() + self._patience
        try:
            yield
        finally:
            with self._lock:
                del self._deadlines[connection]

    def start(self) -> None:
        """Begin to look, in a thread of its own."""
        threading.Thread(target=self._look_on, name="watch", daemon=True).start()

    def _look_on(self) -> None:
        while True:
            time.sleep(_BETWEEN_LOOKS)
            now = time.monotonic()
            # Under the lock: a socket that is let go may be closed, and its number another's.
            with self._lock:
                for connection, deadline in self._deadlines.items():
                    if deadline <= now:
                        _end_reading(connection.sock)  # asked for now: TLS puts another there


class TimeoutThreadWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """A worker with threads, none of which waits for a sender for longer than the patience."""

    def init_process(self) -> None:
        """Begin to look, once the process is the worker's own."""
        self.watch = RequestTimer(REQUEST_TIMEOUT)
        self.watch.start()
        super().init_process()

    def handle_exit(self, sig: int, frame: Any) -> None:  # noqa: ANN401  # gunicorn's own types
        """Begin to end: what waits on purpose would be waited for."""
        self.set_leaving()
        super().handle_exit(sig, frame)

    def set_leaving(self) -> None:
        """Tell the application, which says so on /readyz."""
        leaving = getattr(getattr(self, "wsgi", None), "extensions", {}).get(LEAVING)
        if leaving is not None:
            leaving.set()

    def handle(self, conn: Any) -> Any:  # noqa: ANN401  # gunicorn's own types
        """Serve one request of a connection."""
        with self.watch.limit(conn):
            kept = super().handle(conn)
            if kept is False:
                _linger(conn.sock)
            return kept


class DrainingWorker(TimeoutThreadWorker):
    """A worker that goes on for a while after SIGTERM, with /readyz saying that it leaves.

    gunicorn closes its listeners at once; this process's own ones stay open meanwhile.
    """

    def handle_exit(self, sig: int, frame: Any) -> None:  # noqa: ANN401  # gunicorn's own types
        """Begin to end, and end when nobody sends anything more."""
        self.set_leaving()
        leave = threading.Timer(DRAIN_TIME, super().handle_exit, (sig, frame))
        leave.daemon = True
        leave.start()


# The functions of socket.socket itself, below: TLS's own would go on in plain text.


def _end_reading(connection: socket.socket) -> None:
    """Let whoever reads a socket, now or later, find its end; it can be written to all the same."""
    with suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_RD)


def _linger(connection: socket.socket) -> None:
    """Give the other end time to read the answer; closed at once, a socket may take it back.

    gunicorn does that too, and in the loop that serves all; this leaves it nothing to wait for.
    """
    deadline = time.monotonic() + _LONGEST_LINGER
    with suppress(OSError):
        socket.socket.shutdown(connection, socket.SHUT_WR)
        while (left := deadline - time.monotonic()) > 0:
            connection.settimeout(left)
            if not socket.socket.recv(connection, 64 * 1024):
                break
    _end_reading(connection)
