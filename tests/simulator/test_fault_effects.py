"""Tests of answers that are cut, delayed or missing, as a plain socket receives them."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
import requests

from swrhook.simulator import Fault, RunningSimulator, start
from swrhook.simulator.model import Connection

Swr = Callable[..., requests.Response]
Ask = Callable[[], bytes]
SYNC = "/namespaces/group/repos/busybox/sync_images"
BODY = {"imageTag": ["v1"], "remoteNamespace": "group", "remoteRegionId": "cn-east-3"}


@pytest.fixture
def sim(sim: RunningSimulator) -> RunningSimulator:
    sim.state.seed("cn-north-4", "group", "busybox", "v1")
    return sim


@pytest.fixture
def ask(sim: RunningSimulator, token: Callable[[str], str]) -> Ask:
    """Return a function that requests the regions, and reads until the connection ends."""
    token("cn-north-4")

    def send() -> bytes:
        with connected(sim, token("cn-north-4")) as client:
            content = b""
            while part := client.recv(65_536):
                content += part
            return content

    return send


@contextmanager
def connected(sim: RunningSimulator, token: str) -> Iterator[socket.socket]:
    url = urlsplit(sim.endpoints["cn-north-4"])
    with socket.create_connection((str(url.hostname), int(url.port or 0)), timeout=10) as client:
        head = f"GET /v2/manage/regions HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {token}"
        client.sendall(f"{head}\r\nConnection: close\r\n\r\n".encode())
        yield client


def test_a_connection_is_reset_before_the_answer(sim: RunningSimulator, ask: Ask) -> None:
    sim.state.faults.add([Fault(connection="reset")])

    with pytest.raises(ConnectionResetError):
        ask()


def test_a_connection_is_reset_in_the_middle_of_the_body(
    sim: RunningSimulator, token: Callable[[str], str]
) -> None:
    token("cn-north-4")
    sim.state.faults.add([Fault(connection="reset_midway")])
    content = b""
    with connected(sim, token("cn-north-4")) as client, pytest.raises(ConnectionResetError):  # noqa: PT012 - read until it happens
        while part := client.recv(1):
            content += part

    assert content.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b'[{"regionID"' in content


def test_a_body_is_cut_short(sim: RunningSimulator, ask: Ask) -> None:
    whole = ask().partition(b"\r\n\r\n")[2]
    sim.state.faults.add([Fault(connection="cut_short")])
    head, _, body = ask().partition(b"\r\n\r\n")

    assert f"Content-Length: {len(whole)}".encode() in head
    assert whole[: len(whole) // 2] == body


def test_an_answer_without_a_body_is_cut_in_its_headers(sim: RunningSimulator, ask: Ask) -> None:
    sim.state.faults.add([Fault(connection="cut_short", status=200, body="")])
    content = ask()

    assert content.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"\r\n\r\n" not in content


def test_an_answer_may_arrive_byte_by_byte(
    sim: RunningSimulator, token: Callable[[str], str]
) -> None:
    token("cn-north-4")
    sim.state.faults.add([Fault(connection="drip", pause=0.0005)])
    parts = []
    with connected(sim, token("cn-north-4")) as client:
        while part := client.recv(65_536):
            parts.append(part)

    assert len(parts) > 20
    answer = b"".join(parts)
    assert answer.endswith(b'{"regionID": "ap-southeast-1"}]')
    # Without it, a client might send its next request just when the connection ends.
    assert b"\r\nConnection: close\r\n" in answer


@pytest.mark.parametrize(("connection", "received"), [("hang", b""), ("drip", b"H")])
def test_a_hang_and_a_drip_end_at_their_limit(
    sim: RunningSimulator, ask: Ask, connection: Connection, received: bytes
) -> None:
    sim.state.faults.add([Fault(connection=connection, limit=0.05, pause=0.06)])

    assert ask() == received


def test_a_hang_ends_when_the_client_gives_up(
    sim: RunningSimulator, token: Callable[[str], str]
) -> None:
    token("cn-north-4")
    sim.state.faults.add([Fault(connection="hang")])
    before = set(threading.enumerate())
    with connected(sim, token("cn-north-4")) as client:
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.recv(1)
        waiting = set(threading.enumerate()) - before
    for thread in waiting:
        thread.join(10)

    assert [thread.is_alive() for thread in waiting] == [False]


@pytest.mark.parametrize(("effect", "jobs"), [("none", []), ("accepted", ["v1"])])
def test_a_reset_may_hide_that_the_call_was_carried_out(
    sim: RunningSimulator, swr: Swr, control: Swr, effect: str, jobs: list[str]
) -> None:
    swr("GET", "/regions")
    control("PUT", "/faults", {"connection": "reset", "effect": effect, "times": 1})
    with pytest.raises(requests.ConnectionError):
        swr("POST", SYNC, json=BODY)
    [call] = sim.state.calls(operation="sync_images")

    assert [job.tag for job in sim.state.jobs()] == jobs
    assert (call.status, call.faults) == (None, ("fault-1",))
    assert swr("GET", "/regions").status_code == 200


def test_an_error_may_be_cut_short(sim: RunningSimulator, swr: Swr) -> None:
    swr("GET", "/regions")
    sim.state.faults.add([Fault(error="SVCSTG.SWR.5001101", connection="cut_short", times=1)])
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        swr("POST", SYNC, json=BODY)

    assert sim.state.jobs() == []
    assert [call.status for call in sim.state.calls(operation="sync_images")] == [500]


def test_a_simulator_closes_while_a_client_hangs(session: requests.Session) -> None:
    with start(["r1"]) as sim:
        sim.state.faults.add([Fault(connection="hang")])
        client = threading.Thread(
            target=_fail, args=(session, f"{sim.endpoints['r1']}/v2/manage/regions")
        )
        client.start()
        while not sim.state.calls():
            client.join(0.01)
    client.join(10)

    assert not client.is_alive()


def _fail(session: requests.Session, url: str) -> None:
    with pytest.raises(requests.ConnectionError):
        session.get(url, timeout=30)
