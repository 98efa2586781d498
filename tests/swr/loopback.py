"""A server on loopback that sends the replies of a test, and records the requests."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from threading import Thread
from types import TracebackType
from typing import Self


@dataclass(frozen=True)
class Received:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0.0
    promised: int = 0  # announced in Content-Length, but never sent
    hang_up: bool = False
    raw: bytes = b""  # sent unchanged, instead of a response
    drip: bytes = b""  # sent after `raw`, slowly


def send_raw(file: BufferedIOBase, reply: Reply) -> None:
    file.write(reply.raw)
    file.flush()
    with suppress(OSError):  # nobody waits for all of it
        for byte in reply.drip:
            file.write(bytes([byte]))
            file.flush()
            time.sleep(0.02)


class Loopback:
    def __init__(self, answer: Callable[[Received], Reply]) -> None:
        self.received: list[Received] = []
        received = self.received

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                self._answer()

            def do_POST(self) -> None:
                self._answer()

            do_PUT = do_POST  # noqa: N815

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

            def _answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                request = Received(self.command, self.path, dict(self.headers), body)
                received.append(request)
                reply = answer(request)
                time.sleep(reply.delay)
                if reply.hang_up or reply.raw:
                    self.close_connection = True
                    send_raw(self.wfile, reply)
                    return
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body) + reply.promised))
                self.end_headers()
                self.wfile.write(reply.body)
                self.close_connection |= reply.promised > 0

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
