"""What the worker's main loop survives: no file descriptor left, connections that it has closed."""

import errno
import os
import socket
from collections.abc import Iterator
from selectors import DefaultSelector
from typing import Any

import pytest
from gunicorn.config import Config

from swrhook.service import request_reader
from swrhook.service.file_descriptors import RESERVED, connections_within
from swrhook.service.gunicorn_workers import Intake, TimeoutThreadWorker
from swrhook.service.request_reader import RequestReader
from swrhook.service.response_writer import ResponseWriter

START = b"POST / HTTP/1.1\r\nContent-Length: 500\r\n\r\n"


class Listener:
    """A listening socket that can be told that there is no file descriptor left."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.failure: OSError | None = None
        self.tries = 0

    def accept(self) -> tuple[socket.socket, Any]:
        self.tries += 1
        if self.failure is not None:
            raise self.failure
        return self.socket.accept()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.socket, name)


class Loop:
    """The main loop of a worker, turn by turn, and its clients."""

    def __init__(self) -> None:
        self.listener = Listener()
        self.worker = TimeoutThreadWorker(
            0, os.getppid(), [self.listener], None, 30, Config(), None
        )
        self.worker._intake = Intake()  # noqa: SLF001  # as the worker's own run does
        self.worker.poller = DefaultSelector()
        self.dispatched: list[Any] = []
        close = self.worker._close  # noqa: SLF001  # as the worker's own run does
        self.worker._reader = RequestReader(  # noqa: SLF001
            self.worker.poller, self.dispatched.append, close
        )
        self.worker._writer = ResponseWriter(  # noqa: SLF001
            self.worker.poller, self.worker.finish_request, close
        )
        self.worker.set_accept_enabled(True)
        self.clients: list[socket.socket] = []

    def connect(self, sent: bytes = b"") -> socket.socket:
        client = socket.create_connection(self.listener.getsockname())
        self.clients.append(client)
        client.sendall(sent)
        return client

    def turn(self) -> None:
        self.worker.set_accept_enabled(True)
        self.worker.wait_for_and_dispatch_events(0)

    def close(self) -> None:
        for client in self.clients:
            client.close()
        while self.worker._drop_one():  # noqa: SLF001  # as above
            pass
        self.listener.socket.close()
        self.worker.poller.close()
        self.worker.method_queue.close()
        self.worker.tmp.close()


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.close()


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
def test_without_a_file_descriptor_the_loop_waits_and_goes_on(
    loop: Loop, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    loop.connect()
    loop.listener.failure = OSError(code, os.strerror(code))
    for _ in range(100):
        loop.turn()
    assert loop.listener.tries == 1  # and not once in each turn

    loop.listener.failure = None
    monkeypatch.setattr(loop.worker, "_accept_from", 0.0)  # the pause is over
    loop.turn()
    assert (loop.listener.tries, loop.worker.nr_conns) == (2, 1)


def test_without_a_file_descriptor_the_slowest_connection_makes_room(loop: Loop) -> None:
    slow = loop.connect(START)
    loop.turn()
    loop.connect()
    loop.listener.failure = OSError(errno.EMFILE, "Too many open files")
    loop.turn()
    loop.listener.failure = None
    loop.turn()

    assert slow.recv(1) == b""
    assert loop.worker.nr_conns == 1


def test_any_other_error_of_a_listener_is_an_error(loop: Loop) -> None:
    loop.connect()
    loop.listener.failure = OSError(errno.EBADF, "Bad file descriptor")

    with pytest.raises(OSError, match="Bad file descriptor"):
        loop.turn()


def test_a_connection_closed_in_the_same_turn_is_not_read(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two requests together are too large: the first to be read has the other one closed."""
    monkeypatch.setattr(request_reader, "MAX_BUFFERED", 2 * len(START) + 300)
    clients = [loop.connect(START) for _ in range(3)]
    for _ in range(3):
        loop.turn()
    assert loop.worker.nr_conns == 3
    for client in reversed(clients):
        client.sendall(b"x" * 200)

    loop.turn()

    assert loop.worker.nr_conns < 3
    assert loop.dispatched == []


@pytest.mark.parametrize(
    ("limit", "expected"), [(1024, 1024 - RESERVED), (4096, 1000), (300, 150), (10**6, 1000)]
)
def test_connections_leave_files_for_the_rest(limit: int, expected: int) -> None:
    assert connections_within(limit) == expected
