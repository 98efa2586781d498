"""The load balancers as deploy/ ships them, in front of two processes."""

import re
import resource
import select
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from swrhook import simulator
from swrhook.web.rate_limit import MAX_FAILURES
from tests.balancers import haproxy, nginx
from tests.programs import PATIENCE, TOKEN, Served, needs, wait_for
from tests.service.conftest import ENVIRON, SECRET, document

# Both proxies connect to the processes from here; the other clients have other addresses.
PROXY = "127.0.0.1"
NO_ROOM = (0, resource.RLIM_INFINITY)
ROOM = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


def behind_a_proxy(whole: dict[str, Any]) -> dict[str, Any]:
    whole["senders"]["far"] = whole["senders"]["ci"] | {"allow_from": ["192.0.2.0/24"]}
    whole["settings"]["trusted_proxies"] = [PROXY]
    return whole


@pytest.fixture
def processes(tmp_path: Path, swr: simulator.RunningSimulator) -> Iterator[list[Served]]:
    """Two processes, each with a ledger of its own: it shows which one took a delivery."""
    with ExitStack() as stack:
        served = []
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            each = Served(tmp_path / name, ENVIRON)
            stack.callback(each.close)
            each.configure(behind_a_proxy(document(swr)))
            each.start(ready=False)
            served.append(each)
        for each in served:
            wait_for(f"{each.url}/readyz", each.process)
        yield served


Balancer = Callable[[Path, Sequence[Served]], AbstractContextManager[str]]
BALANCERS = [
    pytest.param(nginx, marks=needs("nginx"), id="nginx"),
    pytest.param(haproxy, marks=needs("haproxy"), id="haproxy"),
]


def post(url: str, count: int, sender: str = "ci", **more: str) -> list[int]:
    """Deliver so many pushes; return the statuses."""
    headers = {"Authorization": f"Bearer {SECRET}"} | more
    body = {"image": "team/app:v1"}
    return [
        requests.post(f"{url}/hooks/{sender}", json=body, headers=headers, timeout=30).status_code
        for _ in range(count)
    ]


class From(HTTPAdapter):
    """Connects from another address of this machine."""

    def __init__(self, address: str) -> None:
        self.address = address
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, source_address=(self.address, 0), **kwargs)


def browser(address: str) -> requests.Session:
    session = requests.Session()
    session.mount("http://", From(address))
    return session


def try_to_sign_in(session: requests.Session, url: str, token: str, **headers: str) -> int:
    page = session.get(f"{url}/sign-in", timeout=30).text
    [key, *_] = re.findall(r'name="form_key" value="([^"]+)"', page)
    form = {"token": token, "form_key": key}
    answer = session.post(
        f"{url}/sign-in", form, headers=headers, timeout=30, allow_redirects=False
    )
    return answer.status_code


def limit(served: Served, room: tuple[int, int]) -> None:
    """Say whether a process finds room on its disk."""
    (worker,) = served.children()
    resource.prlimit(worker, resource.RLIMIT_FSIZE, room)


def taken(served: Served) -> int:
    return len(served.get("/api/v1/deliveries?limit=1000")["items"])


def is_ready(url: str) -> bool:
    return requests.get(f"{url}/readyz", timeout=5).ok


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "waited for too long"
        time.sleep(0.1)


@pytest.mark.parametrize("balancer", BALANCERS)
def test_a_process_that_cannot_record_gets_no_delivery_until_it_can(
    tmp_path: Path, processes: list[Served], balancer: Balancer
) -> None:
    one, two = processes
    with balancer(tmp_path, processes) as url:
        assert set(post(url, 8)) == {202}
        before = (taken(one), taken(two))
        limit(one, NO_ROOM)
        assert post(one.url, 1) == [503]
        assert not is_ready(one.url)
        if balancer is haproxy:  # it asks every 2 seconds, and takes turns
            wait_until(lambda: all(is_ready(url) for _ in range(6)))

        assert set(post(url, 8)) == {202}
        assert (before[0], before[1] + 8) == (taken(one), taken(two))

        limit(one, ROOM)
        wait_until(lambda: {202} == set(post(url, 1)) and taken(one) > before[0])

    assert before[0] > 0


@pytest.mark.parametrize("balancer", BALANCERS)
def test_no_client_chooses_its_own_address(
    tmp_path: Path, processes: list[Served], balancer: Balancer
) -> None:
    forged = {"X-Forwarded-For": "192.0.2.1"}
    with balancer(tmp_path, processes) as url:
        assert post(url, 1, "far", **forged) == [403]

    assert post(processes[0].url, 1, "far", **forged) == [202]  # as a proxy would say it


@pytest.mark.parametrize("balancer", BALANCERS)
def test_wrong_tokens_of_one_client_lock_nobody_else_out(
    tmp_path: Path, processes: list[Served], balancer: Balancer
) -> None:
    attacker, colleague = browser("127.0.0.2"), browser("127.0.0.3")
    one, _ = processes  # each process counts for itself
    with balancer(tmp_path, [one, one]) as url:
        tries = [try_to_sign_in(attacker, url, "wrong") for _ in range(MAX_FAILURES + 1)]
        made_up = {"X-Forwarded-For": "127.0.0.9"}

        assert tries == [403] * MAX_FAILURES + [429]
        assert try_to_sign_in(attacker, url, "wrong", **made_up) == 429
        assert try_to_sign_in(colleague, url, "wrong") == 403
        assert try_to_sign_in(attacker, url, TOKEN) == 303


@pytest.mark.parametrize("balancer", BALANCERS)
def test_slow_clients_occupy_no_process(
    tmp_path: Path, processes: list[Served], balancer: Balancer
) -> None:
    """A header and one byte of a body, 80 times: others are served while these wait."""
    start = b"POST /hooks/ci HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"
    with balancer(tmp_path, processes) as url, ExitStack() as stack:
        port = int(url.rpartition(":")[2])
        slow = []
        for _ in range(80):
            opened = socket.create_connection((PROXY, port), source_address=("127.0.0.2", 0))
            stack.callback(opened.close)
            with suppress(ConnectionError):  # haproxy refuses those over its limit at once
                opened.sendall(start)
            slow.append(opened)
        colleague = browser("127.0.0.3")
        for path in ("/healthz", "/readyz"):
            assert colleague.get(f"{url}{path}", timeout=30).status_code == 200
        assert post(url, 4) == [202] * 4
        assert all(is_ready(served.url) for served in processes)

        ended, _, _ = select.select(slow, [], [], 0)
        assert len(ended) == 80 - 64  # of one address; none of the others was ended for its time
