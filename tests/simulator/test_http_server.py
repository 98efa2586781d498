import http.client
import socket
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
import requests

from swrhook.simulator import RunningSimulator, start
from tests.programs import free_port

PATH = "/v2/manage/namespaces/group/repos/busybox/sync_images"
BODY = {"imageTag": ["v1"], "remoteNamespace": "group", "remoteRegionId": "cn-east-3"}
SEGMENTS_RECEIVED = 152  # the offset of tcpi_data_segs_in in Linux's struct tcp_info


@pytest.fixture
def post(
    sim: RunningSimulator, session: requests.Session, token: Callable[[str], str]
) -> Callable[[], requests.Response]:
    sim.state.seed("cn-north-4", "group", "busybox", "v1")
    headers = {"X-Auth-Token": token("cn-north-4")}
    url = sim.endpoints["cn-north-4"] + PATH
    return lambda: session.post(url, json=BODY, headers=headers, timeout=10)


def test_an_answer_does_not_wait_for_tcp_acknowledgements(sim: RunningSimulator) -> None:
    """So it is one segment: the second of two would wait until the first is acknowledged."""
    address = urlsplit(sim.endpoints["cn-north-4"])
    connection = http.client.HTTPConnection(address.hostname or "", address.port)
    for answers in range(1, 4):
        connection.request("GET", "/nothing")
        assert connection.getresponse().read()
        info = connection.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        assert struct.unpack_from("I", info, SEGMENTS_RECEIVED) == (answers,)
    connection.close()


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
    port = free_port(3)
    with start(["r1", "r2"], port=port) as sim:
        assert f"http://127.0.0.1:{port}" == sim.iam_url
        urls = {"r1": f"http://127.0.0.1:{port + 1}", "r2": f"http://127.0.0.1:{port + 2}"}
        assert urls == sim.endpoints


def test_a_port_in_use_is_an_oserror_and_frees_the_other_ports() -> None:
    port = free_port(3)
    with socket.create_server(("127.0.0.1", port + 2)), pytest.raises(OSError, match="in use"):
        start(["r1", "r2"], port=port)
    with start(["r1", "r2"], port=port) as sim:
        assert set(sim.endpoints) == {"r1", "r2"}
