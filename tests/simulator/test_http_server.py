import http.client
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from urllib.parse import urlsplit

import pytest
import requests

from swrhook.simulator import RunningSimulator, start

PATH = "/v2/manage/namespaces/group/repos/busybox/sync_images"
BODY = {"imageTag": ["v1"], "remoteNamespace": "group", "remoteRegionId": "cn-east-3"}


@pytest.fixture
def post(
    sim: RunningSimulator, session: requests.Session, token: Callable[[str], str]
) -> Callable[[], requests.Response]:
    sim.state.seed("cn-north-4", "group", "busybox", "v1")
    headers = {"X-Auth-Token": token("cn-north-4")}
    url = sim.endpoints["cn-north-4"] + PATH
    return lambda: session.post(url, json=BODY, headers=headers, timeout=10)


def test_an_answer_does_not_wait_for_tcp_acknowledgements(
    post: Callable[[], requests.Response],
) -> None:
    def seconds() -> float:
        started = time.perf_counter()
        assert post().status_code == 200
        return time.perf_counter() - started

    # A response in two segments takes 40 ms; one segment a few, on a busy machine too.
    assert median(seconds() for _ in range(50)) < 0.03


def test_a_connection_stays_open_whatever_the_answer(sim: RunningSimulator) -> None:
    address = urlsplit(sim.endpoints["cn-north-4"])
    connection = http.client.HTTPConnection(address.hostname or "", address.port)
    ports = []
    for method, body in [
        ("POST", b"x" * 100_000),
        ("GET", None),
        ("HEAD", None),
        ("DELETE", b"{}"),
    ]:
        connection.request(method, "/nothing", body)
        connection.getresponse().read()
        ports.append(connection.sock.getsockname())
    connection.close()

    assert len(set(ports)) == 1


def test_a_body_may_be_chunked(
    sim: RunningSimulator, session: requests.Session, token: Callable[[str], str]
) -> None:
    headers = {"X-Auth-Token": token("cn-east-3"), "Content-Type": "application/json"}
    url = f"{sim.endpoints['cn-east-3']}/v2/manage/namespaces"
    chunks = iter([b'{"namespace":', b'"team"}'])

    assert session.post(url, data=chunks, headers=headers, timeout=10).status_code == 201


def test_many_concurrent_calls_are_all_answered_and_recorded(
    sim: RunningSimulator, post: Callable[[], requests.Response]
) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: post().status_code, range(200)))

    calls = sim.state.calls(operation="sync_images")
    assert answers == [200] * 200
    assert 200 == len({call.serial for call in calls}) == len(sim.state.jobs())
    assert {call.status for call in calls} == {200}


def test_closing_the_simulator_closes_open_connections(session: requests.Session) -> None:
    with start(["r1"]) as sim:
        assert session.get(f"{sim.iam_url}/_sim/", timeout=10).ok

    with pytest.raises(requests.ConnectionError):
        session.get(f"{sim.iam_url}/_sim/", timeout=10)


def test_regions_listen_on_the_ports_after_iam() -> None:
    port = _free_ports(3)
    with start(["r1", "r2"], port=port) as sim:
        assert f"http://127.0.0.1:{port}" == sim.iam_url
        urls = {"r1": f"http://127.0.0.1:{port + 1}", "r2": f"http://127.0.0.1:{port + 2}"}
        assert urls == sim.endpoints


def test_a_port_in_use_is_an_oserror_and_frees_the_other_ports() -> None:
    port = _free_ports(3)
    with socket.create_server(("127.0.0.1", port + 2)), pytest.raises(OSError, match="in use"):
        start(["r1", "r2"], port=port)
    with start(["r1", "r2"], port=port) as sim:
        assert set(sim.endpoints) == {"r1", "r2"}


def _free_ports(count: int) -> int:
    """Return the first of some free ports in a row, below the ephemeral ports."""
    for port in range(21_000, 30_000, 10):
        try:
            for number in range(count):
                socket.create_server(("127.0.0.1", port + number)).close()
        except OSError:
            continue
        return port
    raise AssertionError
