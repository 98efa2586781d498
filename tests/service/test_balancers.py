"""The load balancers of docs/deployment.md, as configured there, before two processes."""

import re
import resource
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import pytest
import requests

from swrhook import simulator
from tests.programs import PATIENCE, ROOT, Served, free_port, needs, wait_for
from tests.service.conftest import ENVIRON, SECRET, document

DEPLOYMENT = (ROOT / "docs" / "deployment.md").read_text()
[NGINX] = re.findall(r"```nginx\n(.*?)```", DEPLOYMENT, re.DOTALL)
[HAPROXY] = re.findall(r"```haproxy\n(.*?)```", DEPLOYMENT, re.DOTALL)
DASHBOARD = (ROOT / "docs" / "dashboard.md").read_text()
[LOCATION] = re.findall(r"```nginx\n(.*?)```", DASHBOARD, re.DOTALL)
ADDRESSES = ("10.0.0.11:8080", "10.0.0.12:8080")
NO_ROOM = (0, resource.RLIM_INFINITY)
ROOM = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


@pytest.fixture
def processes(tmp_path: Path, swr: simulator.RunningSimulator) -> Iterator[list[Served]]:
    """Two processes, each with a ledger of its own: it shows which one took a delivery."""
    with ExitStack() as stack:
        served = []
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            each = Served(tmp_path / name, ENVIRON)
            stack.callback(each.close)
            each.configure(document(swr))
            each.start(ready=False)
            served.append(each)
        for each in served:
            wait_for(f"{each.url}/readyz", each.process)
        yield served


@contextmanager
def running(folder: Path, command: Sequence[str], url: str) -> Iterator[None]:
    with (folder / "balancer.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_for(url, process)
        yield
    finally:
        process.terminate()
        process.wait()


def addressed(text: str, processes: Sequence[Served]) -> str:
    """Put the processes' addresses in the place of the page's."""
    for said, served in zip(ADDRESSES, processes, strict=True):
        assert text.count(said) == 1
        text = text.replace(said, f"127.0.0.1:{served.port}")
    return text


@contextmanager
def nginx(folder: Path, processes: Sequence[Served]) -> Iterator[str]:
    port = free_port()
    inner = addressed(NGINX, processes).replace("listen 443 ssl", f"listen 127.0.0.1:{port}")
    paths = "".join(
        f"{name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = inner.replace("  location /hooks/", LOCATION + "  location /hooks/")
    file = folder / "nginx.conf"
    file.write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log stderr;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{paths}{whole}}}\n"
    )
    url = f"http://127.0.0.1:{port}"
    with running(folder, ["nginx", "-p", str(folder), "-c", str(file)], f"{url}/healthz"):
        yield url


@contextmanager
def haproxy(folder: Path, processes: Sequence[Served]) -> Iterator[str]:
    port = free_port()
    file = folder / "haproxy.cfg"
    file.write_text(
        "defaults\n  mode http\n  timeout connect 2s\n  timeout client 20s\n  timeout server 20s\n"
        f"frontend http\n  bind 127.0.0.1:{port}\n  default_backend swrhook\n"
        f"{addressed(HAPROXY, processes)}"
    )
    url = f"http://127.0.0.1:{port}"
    with running(folder, ["haproxy", "-db", "-f", str(file)], f"{url}/readyz"):
        yield url


Balancer = Callable[[Path, Sequence[Served]], AbstractContextManager[str]]
BALANCERS = [
    pytest.param(nginx, marks=needs("nginx"), id="nginx"),
    pytest.param(haproxy, marks=needs("haproxy"), id="haproxy"),
]


def post(url: str, count: int) -> list[int]:
    """Deliver so many pushes; return the statuses."""
    headers = {"Authorization": f"Bearer {SECRET}"}
    body = {"image": "team/app:v1"}
    return [
        requests.post(f"{url}/hooks/ci", json=body, headers=headers, timeout=30).status_code
        for _ in range(count)
    ]


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
