"""The HTTP endpoint of a worker process."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from threading import Event, Thread
from threading import enumerate as enumerate_threads

import pytest
import requests
from waitress import trigger

from swrhook.errors import BadConfiguration
from swrhook.web.worker_endpoint import MAX_CONNECTIONS, SHOWN, WorkerEndpoint
from tests.web.harness import READ, WebHarness


@pytest.fixture
def server(harness: WebHarness) -> Iterator[WorkerEndpoint]:
    server = WorkerEndpoint(harness.web, "127.0.0.1:0")
    yield server
    server.stop()


def test_only_health_and_metrics_are_served(server: WorkerEndpoint) -> None:
    headers = {"Authorization": f"Bearer {READ}"}

    def status(path: str) -> int:
        url = f"http://127.0.0.1:{server.port}{path}"
        answer = requests.get(url, headers=headers, timeout=20)
        if answer.status_code == 404:
            assert answer.headers["Content-Type"] == "application/problem+json"
        return answer.status_code

    assert [200] * len(SHOWN) == [status(path) for path in SHOWN]
    assert [status("/api/v1/syncs"), status("/")] == [404, 404]


@pytest.mark.parametrize(
    "sent", [b"", b"GET /met", b"GET /metrics HTTP/1.1\r\nContent-Length: 9\r\n"]
)
def test_slow_clients_occupy_no_thread(server: WorkerEndpoint, sent: bytes) -> None:
    with ExitStack() as stack:
        for _ in range(20):
            slow = stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            slow.sendall(sent)

        url = f"http://127.0.0.1:{server.port}/healthz"
        assert requests.get(url, timeout=20).status_code == 200


def test_connections_that_drip_keep_nobody_out(server: WorkerEndpoint) -> None:
    is_over = Event()

    def drip(connections: list[socket.socket]) -> None:
        while not is_over.wait(1):
            for connection in connections:
                with suppress(OSError):
                    connection.send(b"x")

    with ExitStack() as stack:
        slow = [
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            for _ in range(MAX_CONNECTIONS + 10)
        ]
        for connection in slow:
            connection.sendall(b"GET /metrics HTTP/1.1\r\nX: ")
        thread = Thread(target=drip, args=(slow,))
        thread.start()
        stack.callback(thread.join)
        stack.callback(is_over.set)

        url = f"http://127.0.0.1:{server.port}/healthz"
        assert requests.get(url, timeout=20).status_code == 200


def test_it_stops_when_an_answer_wakes_its_thread_first(
    harness: WebHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = WorkerEndpoint(harness.web, "127.0.0.1:0")
    [thread] = [each for each in enumerate_threads() if each.name == "metrics"]
    write = os.write

    def write_twice(number: int, content: bytes) -> int:
        write(number, content)  # as the thread of an answer does
        thread.join()
        return write(number, content)

    monkeypatch.setattr(trigger.os, "write", write_twice)
    server.stop()

    assert not thread.is_alive()


def test_an_ipv6_address_can_be_served(harness: WebHarness) -> None:
    server = WorkerEndpoint(harness.web, "[::1]:0")
    answer = requests.get(f"http://[::1]:{server.port}/healthz", timeout=20)
    server.stop()

    assert answer.status_code == 200


def test_a_port_in_use_is_a_configuration_error(harness: WebHarness) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        bind = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(
            BadConfiguration, match=f"cannot listen on SWRHOOK_METRICS_BIND {bind}: "
        ):
            WorkerEndpoint(harness.web, bind)
