"""Reads requests in gunicorn's main loop, which serves all connections: nothing here may wait."""

import selectors
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from itertools import takewhile
from typing import Any

from gunicorn.http import get_parser
from gunicorn.workers.gthread import TConn

from swrhook.service.http_refusals import refusal
from swrhook.service.request_buffer import RequestBuffer, TooLong

# Seconds.
REQUEST_TIMEOUT = 10.0
MAX_LINGER = 2.0
# Bytes of all requests that are not here as a whole yet.
MAX_BUFFERED = 64 * 1024 * 1024
_READ_SIZE = 64 * 1024
# Nothing is here, or TLS is still shaking hands.
_NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_TOO_LONG = refusal(
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "the request is longer than any that is accepted"
)


class Connection(TConn):  # type: ignore[misc]  # gunicorn has no types
    """A connection, what is here of its next request, and what is left of its response.

    `on_close` is called once.
    """

    def __init__(self, *args: Any, on_close: Callable[[], None]) -> None:  # noqa: ANN401
        super().__init__(*args)
        self.buffer = RequestBuffer(0)
        self.rest = bytearray()  # of its response
        self._on_close: Callable[[], None] | None = on_close

    def init(self) -> None:
        """Make the parser. With TLS, gunicorn would wait for a handshake here."""
        if self.cfg.is_ssl and not self.initialized:  # type: ignore[has-type]
            self.initialized = True
            self.parser = get_parser(self.cfg, self.sock, self.client)
        super().init()

    def close(self, graceful: bool = False) -> None:  # noqa: FBT001, FBT002  # as gunicorn's
        """Close it."""
        if self._on_close is not None:
            self._on_close()
            self._on_close = None
        super().close(graceful)


class RequestReader:
    """Collects requests, and closes connections that are slow or finished.

    `dispatch` gets each connection whose request is here, or will not come any more. `close` gets
    each connection that is to be closed.
    """

    def __init__(
        self,
        poller: selectors.BaseSelector,
        dispatch: Callable[[Connection], None],
        close: Callable[[Connection], None],
    ) -> None:
        self._poller = poller
        self._dispatch = dispatch
        self._close = close
        # Deadlines, the oldest first.
        self._receiving: dict[Connection, float] = {}
        self._lingering: dict[Connection, float] = {}
        self._buffered = 0

    def receive(self, conn: Connection, limit: int) -> None:
        """Collect the next request of a connection, whose body may have `limit` bytes."""
        conn.buffer = RequestBuffer(limit)
        conn.sock.settimeout(0)
        self._receiving[conn] = time.monotonic() + REQUEST_TIMEOUT
        self._poller.register(conn.sock, selectors.EVENT_READ, partial(self._read, conn))
        ahead = conn.parser.unreader.take_buffered() if conn.parser is not None else b""
        if ahead:
            self._feed(conn, ahead)
        else:
            self._read(conn, conn.sock)

    def linger(self, conn: Connection) -> None:
        """Close a connection when its client has had time to read the response.

        A socket that is closed with unread data is reset, and the client may lose the response.
        """
        try:
            conn.sock.settimeout(0)
            conn.sock.shutdown(socket.SHUT_WR)  # a TLS socket goes on in plain text, unread
        except OSError:
            self._close(conn)
            return
        self._lingering[conn] = time.monotonic() + MAX_LINGER
        self._poller.register(conn.sock, selectors.EVENT_READ, partial(self._discard, conn))

    def end_late(self, *, is_stopping: bool) -> None:
        """End what is late, and the connections without a request when the process stops."""
        now = time.monotonic()
        for conn in _late(self._lingering, now):
            self._close_lingering(conn)
        for conn in _late(self._receiving, now):
            if conn.buffer.has_header:
                end_reading(conn.sock)
                self._finish(conn)  # the application answers that the body took too long
            else:
                self._drop(conn)
        if is_stopping:
            for conn in [conn for conn in self._receiving if not conn.buffer]:
                self._drop(conn)

    def drop_oldest(self) -> bool:
        """Close the connection that has been without a whole request for longest, if any."""
        oldest = next(iter(self._receiving), None)
        if oldest is not None:
            self._drop(oldest)
        return oldest is not None

    def _read(self, conn: Connection, sock: socket.socket) -> None:
        try:
            data = sock.recv(_READ_SIZE)
        except _NOT_NOW:
            return
        except OSError:
            data = b""
        if data:
            self._feed(conn, data)
        elif conn.buffer:
            self._finish(conn)  # the application finds it cut off
        else:
            self._drop(conn)

    def _feed(self, conn: Connection, data: bytes) -> None:
        buffer, length = conn.buffer, len(conn.buffer)
        had_header = buffer.has_header
        try:
            buffer.feed(data)
        except TooLong:
            self._refuse(conn, length)
            return
        self._buffered += len(buffer) - length
        if buffer.is_complete:
            self._finish(conn)
        elif buffer.expects_continue and not had_header and buffer.has_header:
            with suppress(OSError):
                conn.sock.send(_CONTINUE)
        if self._buffered > MAX_BUFFERED:
            self.drop_oldest()

    def _finish(self, conn: Connection) -> None:
        self._stop_receiving(conn, len(conn.buffer))
        self._dispatch(conn)

    def _drop(self, conn: Connection) -> None:
        self._stop_receiving(conn, len(conn.buffer))
        self._close(conn)

    def _refuse(self, conn: Connection, length: int) -> None:
        self._stop_receiving(conn, length)
        with suppress(OSError):
            conn.sock.send(_TOO_LONG)
        self.linger(conn)

    def _stop_receiving(self, conn: Connection, length: int) -> None:
        self._buffered -= length
        del self._receiving[conn]
        self._poller.unregister(conn.sock)

    def _discard(self, conn: Connection, sock: socket.socket) -> None:
        try:
            is_open = bool(sock.recv(_READ_SIZE))
        except BlockingIOError:
            return
        except OSError:
            is_open = False
        if not is_open:
            self._close_lingering(conn)

    def _close_lingering(self, conn: Connection) -> None:
        del self._lingering[conn]
        self._poller.unregister(conn.sock)
        self._close(conn)


def _late(deadlines: Mapping[Connection, float], now: float) -> list[Connection]:
    """Return the connections whose deadline has passed."""
    return [conn for conn, _ in takewhile(lambda item: item[1] <= now, deadlines.items())]


def end_reading(sock: socket.socket) -> None:
    """Make every read of a socket, also one in progress, return its end; writing still works.

    By the method of socket.socket itself: a TLS socket's would continue in plain text.
    """
    with suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RD)
