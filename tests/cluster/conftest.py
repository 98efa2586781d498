import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from swrhook import simulator
from tests.cluster.balancer import Balancer
from tests.postgresql import new_database
from tests.programs import PATIENCE, Served, configuration, wait_for

SOURCE, TARGET = "cn-north-4", "cn-east-3"
SECRET = "a-secret-of-the-senders"
REPOSITORIES = 6
WEB, WORKERS = ("web-1", "web-2"), ("worker-1", "worker-2")


@dataclass
class Cluster:
    """Two web processes behind haproxy, two workers, PostgreSQL, and SWR with slow calls."""

    swr: simulator.RunningSimulator
    processes: dict[str, Served]
    balancer: Balancer = field(init=False)

    def start(self) -> None:
        for each in self.processes.values():
            each.start(ready=False)
        for each in self.processes.values():
            wait_for(f"{each.url}/readyz", each.process)
        self.balancer.start()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with ExitStack() as stack:
        url = stack.enter_context(new_database())
        swr = stack.enter_context(simulator.start([SOURCE, TARGET], delay=0.1))
        swr.state.create_organization(TARGET, "team")
        processes = {name: served(tmp_path / name, url, swr, workers=0) for name in WEB}
        processes |= {name: worker(tmp_path / name, url, swr) for name in WORKERS}
        for process in processes.values():
            stack.callback(process.close)
        cluster = Cluster(swr, processes)
        addresses = {name: f"127.0.0.1:{processes[name].port}" for name in WEB}
        cluster.balancer = Balancer(tmp_path, addresses)
        stack.callback(cluster.balancer.close)
        yield cluster


def served(
    folder: Path, database_url: str, swr: simulator.RunningSimulator, *, workers: int
) -> Served:
    """Return a process of the service, configured and not started."""
    folder.mkdir()
    environ = {
        "SENDER_SECRET": SECRET,
        "SWRHOOK_DATABASE_URL": database_url,
        "SWRHOOK_WORKERS": str(workers),
    }
    process = Served(folder, environ)
    auth = {"scheme": "bearer", "secrets": ["${SENDER_SECRET}"]}
    senders = {"ci": {"dialect": "generic", "region": SOURCE, "auth": auth}}
    sync = [{"region": TARGET, "namespace": "team"}]
    rule = {"name": "all", "when": {"namespace": "team"}, "sync": sync}
    process.configure(configuration(swr.iam_url, swr.endpoints, senders, [rule]))
    return process


def worker(folder: Path, database_url: str, swr: simulator.RunningSimulator) -> Served:
    """Return a process that only works; what it shows of itself is at its `url`."""
    process = served(folder, database_url, swr, workers=8)
    bind = f"127.0.0.1:{process.port}"
    process.environ = {**process.environ, "SWRHOOK_METRICS_BIND": bind}
    process.command = (sys.executable, "-m", "swrhook", "worker")
    return process


def until(holds: Callable[[], bool]) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "waited for too long"
        time.sleep(0.05)
