"""What the main loop does with clients that read slowly, without waiting for any."""

import selectors
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from swrhook.service import response_writer
from swrhook.service.request_reader import Connection
from swrhook.service.response_writer import ResponseSocket, ResponseWriter

LARGE = bytes(range(256)) * 20_000


class Loop:
    """A main loop that only writes, and records what has ended."""

    def __init__(self) -> None:
        self.poller = selectors.DefaultSelector()
        self.finished: list[tuple[Connection, Any]] = []
        self.closed: list[Connection] = []
        self.writer = ResponseWriter(
            self.poller, lambda *done: self.finished.append(done), self.closed.append
        )
        self.sockets: list[socket.socket] = []

    def answer(self, content: bytes) -> tuple[Connection, socket.socket]:
        """Answer a client, as a thread does, then leave the rest to the loop."""
        ours, client = socket.socketpair()
        self.sockets += [ours, client]
        connection = Connection(None, ours, ("192.0.2.1", 1), None, on_close=lambda: None)
        sending = ResponseSocket(ours)
        for start in range(0, len(content), 8192):
            sending.sendall(content[start : start + 8192])
        connection.rest = sending.rest
        self.writer.send(connection, "result")
        return connection, client

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


def test_a_slow_reader_gets_all_in_order(loop: Loop) -> None:
    connection, client = loop.answer(LARGE)
    received = bytearray()
    while not loop.finished:
        received += client.recv(100_000)
        loop.turn()
    client.settimeout(10)
    while len(received) < len(LARGE):
        received += client.recv(100_000)

    assert received == LARGE
    assert loop.finished == [(connection, "result")]


def test_the_oldest_goes_when_all_together_are_too_large(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(response_writer, "MAX_BUFFERED", 2 * len(LARGE))
    first, _, _ = (loop.answer(LARGE)[0] for _ in range(3))

    assert loop.closed == [first]


def test_a_reader_that_takes_too_long_is_closed(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(response_writer, "WRITE_TIMEOUT", 0.0)
    connection, _ = loop.answer(LARGE)
    loop.writer.end_late()

    assert loop.closed == [connection]
    assert not loop.writer.drop_oldest()


def test_a_reader_that_hangs_up_is_closed(loop: Loop) -> None:
    connection, client = loop.answer(LARGE)
    client.close()
    loop.turn()

    assert (loop.closed, loop.finished) == ([connection], [])


def test_a_client_that_reads_nothing_is_not_waited_for() -> None:
    ours, client = socket.socketpair()
    with ours, client:
        ours.settimeout(10)
        sending = ResponseSocket(ours)
        sending.sendall(LARGE)
        before = len(sending.rest)

        assert before
        assert sending.send(b"HTTP/1.1 100 Continue\r\n\r\n") == 25  # as gunicorn does
        assert len(sending.rest) == before + 25
