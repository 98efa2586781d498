"""Sends what clients do not take at once, in gunicorn's main loop: no thread waits for them."""

import selectors
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from swrhook.service.request_reader import Connection

# Seconds for the rest of a response.
WRITE_TIMEOUT = 60.0
# Bytes of all responses that their clients have not taken yet.
MAX_BUFFERED = 64 * 1024 * 1024
_WRITE_SIZE = 256 * 1024
# The client takes nothing now.
_NOT_NOW = (BlockingIOError, ssl.SSLWantWriteError)


class ResponseSocket:
    """A connection's socket while a thread writes the response; nothing here waits for the client.

    `rest` is what the client did not take at once.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self.rest = bytearray()

    def sendall(self, data: bytes) -> None:
        """Send what the client takes now, and keep the rest."""
        content = memoryview(data)
        self.rest += content if self.rest else content[self._send(content) :]

    def send(self, data: bytes) -> int:
        """Do the same. With this gunicorn asks the client to continue."""
        self.sendall(data)
        return len(data)

    def _send(self, content: memoryview) -> int:
        """Return how many bytes the client took."""
        with suppress(BlockingIOError):
            return self._socket.send(content, socket.MSG_DONTWAIT)
        return 0

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # all else is the socket's own
        return getattr(self._socket, name)


class TlsResponseSocket(ResponseSocket):
    """The same with TLS, whose sockets have no flags and send one record at a time."""

    def _send(self, content: memoryview) -> int:
        sent = 0
        self._socket.settimeout(0)
        with suppress(*_NOT_NOW):
            while sent < len(content):
                sent += self._socket.send(content[sent:])
        self._socket.settimeout(None)
        return sent


class ResponseWriter:
    """Sends the rest of responses, and closes the connections of clients that read too slowly.

    `finish` gets each connection whose response is sent, with what `send` got.
    """

    def __init__(
        self,
        poller: selectors.BaseSelector,
        finish: Callable[[Connection, Any], None],
        close: Callable[[Connection], None],
    ) -> None:
        self._poller = poller
        self._finish = finish
        self._close = close
        # Deadline and result of each connection, the oldest first.
        self._sending: dict[Connection, tuple[float, Any]] = {}
        self._buffered = 0

    def send(self, conn: Connection, result: Any) -> None:  # noqa: ANN401  # gunicorn's future
        """Send the rest of a connection's response."""
        conn.sock.settimeout(0)
        self._sending[conn] = (time.monotonic() + WRITE_TIMEOUT, result)
        self._buffered += len(conn.rest)
        self._poller.register(conn.sock, selectors.EVENT_WRITE, partial(self._write, conn))
        while self._buffered > MAX_BUFFERED:
            self.drop_oldest()

    def end_late(self) -> None:
        """Close the connections whose time is over."""
        now = time.monotonic()
        while self._sending and next(iter(self._sending.values()))[0] <= now:
            self.drop_oldest()

    def drop_oldest(self) -> bool:
        """Close the connection that has been sending for longest, if any."""
        oldest = next(iter(self._sending), None)
        if oldest is not None:
            self._stop(oldest)
            self._close(oldest)
        return oldest is not None

    def _write(self, conn: Connection, sock: socket.socket) -> None:
        try:
            sent = sock.send(conn.rest[:_WRITE_SIZE])
        except _NOT_NOW:
            return
        except OSError:
            self._stop(conn)
            self._close(conn)
            return
        del conn.rest[:sent]
        self._buffered -= sent
        if not conn.rest:
            result = self._stop(conn)
            self._finish(conn, result)

    def _stop(self, conn: Connection) -> Any:  # noqa: ANN401  # as send's
        self._poller.unregister(conn.sock)
        self._buffered -= len(conn.rest)
        conn.rest.clear()
        return self._sending.pop(conn)[1]
