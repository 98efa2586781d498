"""The system under chaos: the service, alone or as a cluster, SWR, a registry, PostgreSQL."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from swrhook import simulator
from tests.chaos.clock import Clock
from tests.chaos.disk import Disk
from tests.chaos.server import Server
from tests.cluster.balancer import Balancer
from tests.programs import Served, configuration, docker_registry, free_port, wait_for

# CI jobs push to the first, the second mirrors the docker registry, all is copied to the third.
JOBS, MIRROR, TARGET = "cn-north-1", "cn-north-4", "cn-east-3"
NAMESPACE = "team"
SECRET = "a-secret-of-the-senders"
ALONE = "alone"
WEB, WORKERS = ("web-1", "web-2"), ("worker-1", "worker-2")
# Seconds from a call until the tag is at the target, and the duration of a call, which is long
# enough for kills to hit some.
_DELAY, _CALL = 0.1, 0.2
_MASS_THREADS = 34
_MASS_PACE = {"per_second": 1000, "in_flight": 16, "in_flight_per_target": 16}
_MASS_SETTINGS = {"pace": _MASS_PACE}


@dataclass(frozen=True, slots=True)
class Stage:
    """All running parts; senders deliver to `url`."""

    folder: Path
    swr: simulator.RunningSimulator
    registry: str
    url: str
    processes: Mapping[str, Served]
    server: Server | None

    @property
    def postgresql(self) -> Server:
        assert self.server is not None
        return self.server

    @property
    def disk(self) -> Disk:
        """Return the disk of the ledger, if it is a small one."""
        return Disk(self.folder / ALONE / "var")

    @property
    def clock(self) -> Clock:
        """Return the clock of the processes, if they have their own."""
        return Clock(self.folder)

    def wait_until_ready(self) -> None:
        for process in self.processes.values():
            wait_for(f"{process.url}/readyz", process.process)


@contextmanager
def alone(folder: Path) -> Iterator[Stage]:
    """Run one process on SQLite."""
    with _stage(folder, {ALONE: 8}, None) as stage:
        yield stage


@contextmanager
def alone_with_mass(folder: Path) -> Iterator[Stage]:
    """Run one process on SQLite, with a pace for very many lanes."""
    with _stage(folder, {ALONE: _MASS_THREADS}, None, settings=_MASS_SETTINGS) as stage:
        yield stage


@contextmanager
def cluster_with_mass(folder: Path) -> Iterator[Stage]:
    """Run the cluster, with a pace for very many lanes."""
    with ExitStack() as stack:
        server = _server(stack)
        workers = dict.fromkeys(WEB, 0) | dict.fromkeys(WORKERS, _MASS_THREADS // 2)
        yield stack.enter_context(_stage(folder, workers, server, settings=_MASS_SETTINGS))


@contextmanager
def on_small_disk(folder: Path) -> Iterator[Stage]:
    """Run one process on SQLite, with its ledger on a small disk."""
    disk = Disk(folder / ALONE / "var")
    disk.mount()
    try:
        with _stage(folder, {ALONE: 8}, None) as stage:
            yield stage
    finally:
        disk.unmount()


@contextmanager
def with_own_clock(folder: Path) -> Iterator[Stage]:
    """Run one process on SQLite, with its own wall clock."""
    clock = Clock(folder)
    clock.build()
    with _stage(folder, {ALONE: 8}, None, clock.environ) as stage:
        yield stage


@contextmanager
def on_postgresql(folder: Path) -> Iterator[Stage]:
    """Run one process on a private PostgreSQL."""
    with ExitStack() as stack:
        server = _server(stack)
        yield stack.enter_context(_stage(folder, {"all-in-one": 8}, server))


@contextmanager
def cluster(folder: Path) -> Iterator[Stage]:
    """Run two web processes behind haproxy, two workers and PostgreSQL."""
    with ExitStack() as stack:
        server = _server(stack)
        workers = dict.fromkeys(WEB, 0) | dict.fromkeys(WORKERS, 8)
        yield stack.enter_context(_stage(folder, workers, server))


def _server(stack: ExitStack) -> Server:
    server = Server()
    stack.callback(server.close)
    server.start()
    return server


@contextmanager
def _stage(
    folder: Path,
    workers: Mapping[str, int],
    server: Server | None,
    environ: Mapping[str, str] = {},
    settings: Mapping[str, Any] = {},
) -> Iterator[Stage]:
    """Start all parts; `workers` has the number of worker threads of each process."""
    with ExitStack() as stack:
        ports = {name: free_port() for name in workers}
        url = f"http://127.0.0.1:{next(iter(ports.values()))}"
        if WEB[0] in ports:
            balancer = Balancer(folder, {name: f"127.0.0.1:{ports[name]}" for name in WEB})
            stack.callback(balancer.close)
            url = balancer.url
        notify = {"url": f"{url}/hooks/registry", "secret": SECRET}
        registry = stack.enter_context(docker_registry(folder, notify))
        regions = [JOBS, MIRROR, TARGET]
        swr = stack.enter_context(simulator.start(regions, delay=_DELAY, mirror={MIRROR: registry}))
        swr.state.create_organization(TARGET, NAMESPACE)
        swr.state.faults.add([simulator.Fault(operation="sync_images", delay=_CALL)])
        processes = {
            name: _process(folder / name, ports[name], threads, server, environ)
            for name, threads in workers.items()
        }
        for process in processes.values():
            process.configure(_document(swr, settings))
            stack.callback(process.close)
            process.start(ready=False)
        stage = Stage(folder, swr, registry, url, processes, server)
        stage.wait_until_ready()
        if WEB[0] in ports:
            balancer.start()
        yield stage


def _process(
    folder: Path, port: int, threads: int, server: Server | None, more: Mapping[str, str]
) -> Served:
    folder.mkdir(exist_ok=True)
    environ = {"SWRHOOK_WORKERS": str(threads), **more}
    if server is not None:
        environ["SWRHOOK_DATABASE_URL"] = server.url
    if folder.name not in WORKERS:
        return Served(folder, environ, port)
    environ["SWRHOOK_METRICS_BIND"] = f"127.0.0.1:{port}"
    return Served(folder, environ, port, (sys.executable, "-m", "swrhook", "worker"))


def _document(swr: simulator.RunningSimulator, settings: Mapping[str, Any]) -> dict[str, Any]:
    auth = {"scheme": "bearer", "secrets": [SECRET]}
    senders = {
        "ci": {"dialect": "generic", "region": JOBS, "auth": auth},
        "mass": {"dialect": "generic", "region": JOBS, "auth": auth},
        "registry": {"dialect": "distribution", "region": MIRROR, "auth": auth},
    }
    # Tags move, and the newest image must replace the older one.
    sync = [{"region": TARGET, "namespace": NAMESPACE, "override": True}]
    rule = {"name": "all", "when": {"namespace": NAMESPACE}, "sync": sync}
    document = configuration(swr.iam_url, swr.endpoints, senders, [rule])
    return {**document, "settings": {**document["settings"], **settings}}
