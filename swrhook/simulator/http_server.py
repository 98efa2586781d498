"""A threaded HTTP/1.1 server for WSGI applications with persistent connections.

werkzeug's development server closes every connection, and waits 10 ms after each answer for
remaining input. Clients of SWR reuse connections, and the simulator must show how they do that.
Here the body is read before the application runs, so that the next request on the connection
starts at the right byte.
"""

import socket
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, TypeAlias

from werkzeug.datastructures import Headers
from werkzeug.serving import DechunkedInput, ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.test import run_wsgi_app

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

TRANSMIT = "swrhook.simulator.transmit"
"""Key in the WSGI environ: a list for a fault's function that sends the answer over the socket."""
Transmission: TypeAlias = Callable[[socket.socket, bytes], None]
BODY_LIMIT = 12 * 1024 * 1024
# Seconds between two checks whether the server should stop.
_POLL = 0.2


class Server(ThreadedWSGIServer):
    """Serves one application on one socket, in its own threads, until it is closed."""

    def __init__(self, listener: socket.socket, app: "WSGIApplication") -> None:
        host, port = listener.getsockname()[:2]
        super().__init__(host, port, app, Handler, fd=listener.fileno())
        listener.close()  # the server works on a duplicate
        self._connections: set[socket.socket] = set()
        self._lock = Lock()
        self._thread = Thread(target=self.serve_forever, args=(_POLL,), daemon=True)

    @property
    def url(self) -> str:
        """Return the URL of the server."""
        return f"http://{self.host}:{self.port}"

    def start(self) -> None:
        """Start the thread that accepts connections."""
        self._thread.start()

    def close(self) -> None:
        """Stop accepting and close all connections; open ones would still be answered."""
        with suppress(OSError):
            # Wakes the accepting thread at once; without it, that thread wakes within _POLL.
            self.socket.shutdown(socket.SHUT_RDWR)
        self.shutdown()
        self._thread.join()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            with suppress(OSError):  # closed by the client already
                connection.shutdown(socket.SHUT_RDWR)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept and register a connection."""
        connection, address = super().get_request()
        with self._lock:
            self._connections.add(connection)
        return connection, address

    def close_request(self, request: Any) -> None:  # noqa: ANN401 - as in the base class
        """Unregister and close a connection."""
        with self._lock:
            self._connections.discard(request)
        super().close_request(request)


class Handler(WSGIRequestHandler):
    """Answers the requests of one connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def run_wsgi(self) -> None:
        """Answer one request."""
        self.environ = environ = self.make_environ()
        environ["wsgi.input"] = BytesIO(self._read_body(environ))
        environ["wsgi.input_terminated"] = True
        transmissions: list[Transmission] = []
        environ[TRANSMIT] = transmissions
        chunks, status, headers = run_wsgi_app(self.server.app, environ, buffered=True)
        self.close_connection |= bool(transmissions)
        content = self._content(status, headers, b"".join(chunks))
        if transmissions:
            transmissions[-1](self.connection, content)
        else:
            self.wfile.write(content)

    def _read_body(self, environ: dict[str, Any]) -> bytes:
        if isinstance(environ["wsgi.input"], DechunkedInput):
            body: bytes = environ["wsgi.input"].read(BODY_LIMIT + 1)
        else:
            length = environ.get("CONTENT_LENGTH") or "0"
            size = int(length) if length.isdecimal() else 0
            self.close_connection |= not length.isdecimal()
            body = self.rfile.read(min(size, BODY_LIMIT + 1))
        # The rest of a body beyond the limit would be parsed as the next request.
        self.close_connection |= len(body) > BODY_LIMIT
        return body

    def _content(self, status: str, headers: Headers, body: bytes) -> bytes:
        framing = [("Date", self.date_time_string()), ("Content-Length", str(len(body)))]
        if self.close_connection:
            framing.append(("Connection", "close"))
        others = [(name, value) for name, value in headers if name.lower() != "content-length"]
        lines = [f"{name}: {value}" for name, value in others + framing]
        head = "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode("latin-1")
        # Headers and body are sent together. As two segments, the second would wait for the
        # client's delayed acknowledgement of the first, 40 ms on Linux.
        return head if self.command == "HEAD" else head + body

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002
        """Log nothing: the control API lists the calls."""
