from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from swrhook import simulator
from tests.cluster.balancer import Balancer
from tests.postgresql import new_database
from tests.programs import Served, configuration, wait_for

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
        for served in self.processes.values():
            served.start(ready=False)
        for served in self.processes.values():
            wait_for(f"{served.url}/readyz", served.process)
        self.balancer.start()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    with ExitStack() as stack:
        url = stack.enter_context(new_database())
        swr = stack.enter_context(simulator.start([SOURCE, TARGET], delay=0.1))
        swr.state.create_organization(TARGET, "team")
        processes = {name: _served(tmp_path / name, name, url, swr) for name in (*WEB, *WORKERS)}
        for served in processes.values():
            stack.callback(served.close)
        cluster = Cluster(swr, processes)
        addresses = {name: f"127.0.0.1:{processes[name].port}" for name in WEB}
        cluster.balancer = Balancer(tmp_path, addresses)
        stack.callback(cluster.balancer.close)
        yield cluster


def _served(folder: Path, name: str, database_url: str, swr: simulator.RunningSimulator) -> Served:
    folder.mkdir()
    is_worker = name in WORKERS
    environ = {
        "SENDER_SECRET": SECRET,
        "SWRHOOK_DATABASE_URL": database_url,
        "SWRHOOK_WORKERS": "4" if is_worker else "0",
    }
    served = Served(folder, environ)
    if is_worker:
        environ["SWRHOOK_METRICS_BIND"] = f"127.0.0.1:{served.port}"
        served.command = (served.command[0], "-m", "swrhook", "worker")
    auth = {"scheme": "bearer", "secrets": ["${SENDER_SECRET}"]}
    sources = {"ci": {"dialect": "generic", "region": SOURCE, "auth": auth}}
    sync = [{"region": TARGET, "namespace": "team"}]
    rule = {"name": "all", "when": {"namespace": "team"}, "sync": sync}
    served.configure(configuration(swr.iam_url, swr.endpoints, sources, [rule]))
    return served
