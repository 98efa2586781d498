"""An HTTP receiver on loopback, which answers as a test says and keeps what it got."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Request:
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Receiver:
    """`answers` are (status, headers), the last of which is repeated.

    One that `drips` sends headers that never end, one with a `piece` a body of these.
    """

    url: str = ""
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=lambda: [(200, {})])
    requests: list[Request] = field(default_factory=list)
    drips: bool = False
    piece: bytes = b""
    pause: float = 0


@contextmanager
def receive() -> Iterator[Receiver]:
    """Serve until the block ends."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.requests.append(Request(self.path, headers, body))
            answers = receiver.answers
            status, more = answers.pop(0) if len(answers) > 1 else answers[0]
            self.send_response(status)
            while receiver.drips:
                self.send_header("X-More", "to come")
                self.flush_headers()
                time.sleep(0.02)
            length = {} if receiver.piece else {"Content-Length": "0"}
            for name, value in {**length, **more}.items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(OSError):
                while receiver.piece:
                    self.wfile.write(receiver.piece)
                    time.sleep(receiver.pause)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    yield receiver
    server.shutdown()
    server.server_close()
