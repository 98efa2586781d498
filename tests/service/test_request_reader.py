"""What the main loop does with slow connections, without waiting for any."""

import selectors
import socket
from collections.abc import Iterator

import pytest

from swrhook.service import request_reader
from swrhook.service.request_reader import Connection, RequestReader

START = b"POST / HTTP/1.1\r\nContent-Length: 500\r\n\r\n"
LIMIT = 1000


class Loop:
    """A main loop that only reads, and records what it would do next."""

    def __init__(self) -> None:
        self.poller = selectors.DefaultSelector()
        self.dispatched: list[Connection] = []
        self.closed: list[Connection] = []
        self.reader = RequestReader(self.poller, self.dispatched.append, self.closed.append)
        self.clients: list[socket.socket] = []
        self.sockets: list[socket.socket] = []

    def connect(self, sent: bytes) -> Connection:
        ours, theirs = socket.socketpair()
        self.clients.append(theirs)
        self.sockets += [ours, theirs]
        theirs.sendall(sent)
        connection = Connection(None, ours, ("192.0.2.1", 1), None, on_close=lambda: None)
        self.reader.receive(connection, LIMIT)
        return connection

    def turn(self) -> None:
        for key, _ in self.poller.select(0):
            key.data(key.fileobj)


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    for each in loop.sockets:
        each.close()
    loop.poller.close()


def test_the_oldest_request_goes_when_all_together_are_too_large(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_reader, "MAX_BUFFERED", 2 * (len(START) + 100))
    first, second, third = (loop.connect(START + b"x" * 100) for _ in range(3))

    assert loop.closed == [first]
    loop.clients[1].sendall(b"x" * 400)
    loop.turn()
    assert (loop.dispatched, loop.closed) == ([second], [first])
    assert third.buffer.data.startswith(START)


def test_late_requests_are_ended(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_reader, "REQUEST_TIMEOUT", 0)
    silent, in_header, in_body = (loop.connect(sent) for sent in (b"", b"POST ", START))
    loop.reader.end_late(is_stopping=False)

    assert loop.closed == [silent, in_header]
    assert loop.dispatched == [in_body]  # it gets an answer
    assert in_body.sock.recv(10) == b""


def test_a_stopping_process_closes_connections_without_a_request(loop: Loop) -> None:
    silent, begun = loop.connect(b""), loop.connect(START)
    loop.reader.end_late(is_stopping=True)

    assert loop.closed == [silent]
    assert begun not in loop.closed


def test_a_client_that_never_hangs_up_is_closed(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_reader, "MAX_LINGER", 0)
    connection = loop.connect(START + b"x" * 500)
    loop.reader.linger(connection)
    loop.turn()
    assert loop.closed == []

    loop.reader.end_late(is_stopping=False)
    assert loop.closed == [connection]


def test_a_request_that_is_too_long_is_refused(loop: Loop) -> None:
    loop.connect(b"GET / HTTP/1.1\r\nName: ")
    loop.clients[0].sendall(b"x" * 70_000)
    for _ in range(3):
        loop.turn()

    assert loop.clients[0].recv(1000).startswith(b"HTTP/1.1 413 ")
    assert loop.dispatched == []
