"""gunicorn workers whose threads slow clients cannot occupy, and that drain before they stop.

gunicorn's own worker gives every new connection a thread, which waits for the request. Here the
main loop collects a request (request_buffer.py), and a thread gets it when it is here. What is not
here after 10 seconds is not waited for. An address has a bounded number of connections, and
requests for the health of the process have threads of their own. What a client does not take of a
response at once, the main loop sends (response_writer.py).

With TLS in gunicorn itself, too, the main loop does all of that, and the handshakes.

A thread reads only what is left of a body larger than the limit, and has a time limit for it. After
that, reading looks as if the client had hung up, while a response can still be written.
"""

import errno
import socket
import ssl
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from selectors import SelectorKey
from types import SimpleNamespace
from typing import Any

from gunicorn.sock import ssl_context
from gunicorn.workers.gthread import ThreadWorker

from swrhook.service.file_descriptors import EXHAUSTED
from swrhook.service.http_refusals import answer
from swrhook.service.request_reader import REQUEST_TIMEOUT, Connection, RequestReader
from swrhook.service.request_timer import RequestTimer
from swrhook.service.response_writer import ResponseSocket, ResponseWriter, TlsResponseSocket

# The connections of an address that is no trusted proxy.
MAX_CONNECTIONS = 128
# The part of gunicorn's worker_connections that is kept free, so that there is always room for a
# new one: a tenth.
SPARE_SHARE = 10
# Seconds without new connections when there is no file descriptor left for one.
ACCEPT_PAUSE = 0.5
HEALTH_THREADS = 2
# The key in the Flask application's extensions of the event that ends deliberate waits.
LEAVING = "swrhook.leaving"
# The key in the Flask application's extensions of its Intake.
INTAKE = "swrhook.intake"
# Long enough for a load balancer that polls /readyz every two seconds to send nothing more.
DRAIN_TIME = 6.0
# No connection after all: another process has it, or its client has hung up already.
_NO_CLIENT = frozenset({errno.EAGAIN, errno.ECONNABORTED, errno.EPROTO})


@dataclass(frozen=True, slots=True)
class Intake:
    """What a worker asks the application for, with the values for an application that says nothing.

    `body_limit` is the most bytes of a body. An address for which `is_proxy` is true may have any
    number of connections.
    """

    body_limit: Callable[[], int] = lambda: 1024 * 1024
    is_proxy: Callable[[str], bool] = lambda _address: False


class TimeoutThreadWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """A gthread worker that collects requests before it gives them to a thread."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  # gunicorn's own types
        super().__init__(*args, **kwargs)
        self._addresses: Counter[str] = Counter()  # how many connections each has
        self._accept_from = 0.0  # a time of the monotonic clock

    def init_process(self) -> None:
        """Start the timer, after the fork: threads do not survive it."""
        self.timer = RequestTimer(REQUEST_TIMEOUT)
        self.timer.start()
        self._health_threads = ThreadPoolExecutor(HEALTH_THREADS)
        super().init_process()

    def run(self) -> None:
        """Serve until a signal."""
        self._intake = getattr(self.wsgi, "extensions", {}).get(INTAKE, Intake())
        self._reader = RequestReader(self.poller, self._dispatch, self._close)
        self._writer = ResponseWriter(self.poller, self.finish_request, self._close)
        super().run()

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

    def set_accept_enabled(self, enabled: bool) -> None:  # noqa: FBT001  # as gunicorn's
        """Enable or disable accepting; gunicorn's loop calls this at least once a second."""
        super().set_accept_enabled(enabled and time.monotonic() >= self._accept_from)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Call back for each event, unless an earlier one has closed its connection meanwhile."""
        for key, _ in self.poller.select(timeout):
            if self._is_registered(key):
                key.data(key.fileobj)

    def _is_registered(self, key: SelectorKey) -> bool:
        try:
            return bool(self.poller.get_key(key.fileobj) is key)
        except (KeyError, ValueError):  # ValueError: its socket is closed
            return False

    def accept(self, listener: socket.socket) -> None:
        """Accept a connection, unless its address has too many."""
        try:
            client, address = listener.accept()
        except OSError as exc:
            if exc.errno in EXHAUSTED:
                self._free_descriptor()
            elif exc.errno not in _NO_CLIENT:
                raise
            return
        peer = address[0] if isinstance(address, tuple) else ""  # a Unix socket has no addresses
        if self._addresses[peer] >= MAX_CONNECTIONS and peer and not self._intake.is_proxy(peer):
            client.close()
            return
        self._make_room()
        self.nr_conns += 1
        self._addresses[peer] += 1
        forget = partial(self._forget_connection, peer)
        server = listener.getsockname()
        self.enqueue_req(Connection(self.cfg, client, address, server, on_close=forget))

    def _forget_connection(self, peer: str) -> None:
        self._addresses[peer] -= 1
        if not self._addresses[peer]:
            del self._addresses[peer]

    def _make_room(self) -> None:
        """Close an idle or slow connection when there are nearly too many."""
        if self.nr_conns >= self.worker_connections - self.worker_connections // SPARE_SHARE:
            self._drop_one()

    def _free_descriptor(self) -> None:
        """Make room for the connection that could not be accepted, or accept none for a moment.

        The listener stays readable, so that the loop would do nothing but fail to accept.
        """
        if not self._drop_one():
            self._accept_from = time.monotonic() + ACCEPT_PAUSE
            self.set_accept_enabled(False)

    def _drop_one(self) -> bool:
        """Close an idle or slow connection; return whether there was one."""
        if not self.keepalived_conns:
            return self._reader.drop_oldest() or self._writer.drop_oldest()
        oldest = self.keepalived_conns.popleft()
        self.poller.unregister(oldest.sock)
        self._close(oldest)
        return True

    def enqueue_req(self, conn: Connection) -> None:
        """Collect the next request of a connection, then give it to a thread."""
        if not self.cfg.is_ssl or self._has_tls(conn):
            self._reader.receive(conn, self._intake.body_limit())

    def _has_tls(self, conn: Connection) -> bool:
        """Begin TLS on a new connection: reading it shakes hands. False if it had to be closed."""
        if isinstance(conn.sock, ssl.SSLSocket):
            return True
        try:
            # Made anew, so that a renewed certificate is used.
            conn.sock = ssl_context(self.cfg).wrap_socket(
                conn.sock, server_side=True, do_handshake_on_connect=False
            )
        except OSError:
            self.log.exception("TLS cannot begin")
            self._close(conn)
            return False
        return True

    def _dispatch(self, conn: Connection) -> None:
        conn.init()
        conn.data_ready = True
        conn.parser.unreader.unread(bytes(conn.buffer.data))
        conn.buffer.data.clear()
        threads = self._health_threads if conn.buffer.is_health else self.tpool
        threads.submit(self.handle, conn).add_done_callback(
            lambda done: self.method_queue.defer(self.finish_request, conn, done)
        )

    def _close(self, conn: Connection) -> None:
        self.nr_conns -= 1
        conn.close()

    def finish_request(self, conn: Connection, fs: Any) -> None:  # noqa: ANN401  # a future
        """Keep a connection for the next request or close it, once its response is sent."""
        if conn.rest:
            self._writer.send(conn, fs)
        elif fs.exception() is not None or fs.result():
            super().finish_request(conn, fs)
        else:
            self._reader.linger(conn)

    def murder_pending(self) -> None:
        """End what is late. gunicorn calls this at least once a second."""
        super().murder_pending()
        self._reader.end_late(is_stopping=not self.alive)
        self._writer.end_late()

    def handle(self, conn: Any) -> Any:  # noqa: ANN401  # gunicorn's own types
        """Serve one request of a connection, in a thread."""
        with self.timer.limit(conn):
            return super().handle(conn)

    def handle_request(self, req: Any, conn: Any) -> Any:  # noqa: ANN401  # gunicorn's own types
        """Run the application. A client that does not read the response is not waited for."""
        if not conn.buffer.is_whole:  # a thread would wait for the rest of its body
            req.force_close()
        response = (TlsResponseSocket if self.cfg.is_ssl else ResponseSocket)(conn.sock)
        try:
            # gunicorn's method uses no more of a connection.
            place = SimpleNamespace(sock=response, client=conn.client, server=conn.server)
            return super().handle_request(req, place)
        finally:
            conn.rest = response.rest

    def handle_error(self, _req: Any, client: Any, _addr: Any, exc: Exception) -> None:  # noqa: ANN401  # gunicorn's own types
        """Answer a request that is not HTTP, or has failed, if the client reads what it gets."""
        with suppress(OSError):
            client.settimeout(0)
            client.send(answer(exc))


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
