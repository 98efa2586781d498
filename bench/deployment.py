"""A deployment of swrhook to measure: its processes, the stand-in for SWR, and its senders.

Nothing here imports swrhook, so that the code in any folder can be measured.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit
from urllib.request import urlopen

import psycopg

from bench import light_swr
from bench.processes import cpu_seconds, memory
from tests.chaos.server import Server
from tests.programs import ROOT, Served, configuration, free_port

SOURCE, TARGETS = "cn-north-4", ("cn-east-3", "ap-southeast-1")
MASS, LONE = "mass", "lone"  # the senders
SECRET = "the-secret-of-the-benchmark"
# Seconds; no figure includes it.
PATIENCE = 300.0
_PORTION = 1_000
# PostgreSQL's sessions report their counts at most so many seconds late.
_STATISTICS_DELAY = 12.0


class Swr:
    """The stand-in for IAM and SWR, in a process of its own."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        self.pid = process.pid
        self.urls: dict[str, str] = json.loads(process.stdout.readline())

    def control(self, path: str) -> Any:
        with urlopen(f"{self.urls[light_swr.CONTROL]}/{path}", timeout=30) as answer:
            return json.load(answer)

    def counts(self) -> dict[str, Any]:
        """Return the numbers of `calls` of sync_images and of verified tags `seen` at a target.

        `called` has the calls by organization, `requests` all requests by region.
        """
        counts: dict[str, Any] = self.control("counts")
        return counts

    def calls(self, first: int = 0) -> list[tuple[float, str, str, Sequence[str], str]]:
        """Return the calls of sync_images from a number on."""
        return [tuple(call) for call in self.control(f"calls/{first}")]

    def wait_for(self, what: str, count: int, patience: float = PATIENCE) -> bool:
        """Wait until so many `calls` were made or tags `seen`; return whether there were."""
        deadline = time.monotonic() + patience
        while (current := self.counts()[what]) < count and time.monotonic() < deadline:
            time.sleep(0.02 if count - current < 50 else 0.2)
        return bool(current >= count)


@contextmanager
def swr(delay: float = 0.0) -> Iterator[Swr]:
    """Run a new stand-in, whose calls of sync_images take so many seconds."""
    program = str(Path(light_swr.__file__))
    command = (sys.executable, program, str(delay), SOURCE, *TARGETS)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Swr(process)
        finally:
            process.terminate()


@dataclass(frozen=True, slots=True)
class Plan:
    """What is deployed: the folder with swrhook's code, its settings, and the size of it all.

    `targets` is to how many regions each tag goes. With PostgreSQL there are a web process and a
    worker, on SQLite there is one process.
    """

    root: Path = ROOT
    on_postgresql: bool = False
    targets: int = 1
    threads: int = 8
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Deployment:
    """The running processes; `web` serves the hooks, `worker` is None if web works, too."""

    swr: Swr
    web: Served
    worker: Served | None
    server: Server | None

    @property
    def processes(self) -> Sequence[Served]:
        return [self.web] if self.worker is None else [self.web, self.worker]

    def start(self) -> None:
        for process in self.processes:
            process.start()

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Run a process that records deliveries and works on none, during the block."""
        recorder = replace(self.web, environ={**self.web.environ, "SWRHOOK_WORKERS": "0"})
        recorder.start()
        try:
            yield
        finally:
            recorder.stop()

    def stop(self) -> None:
        for process in self.processes:
            process.stop()

    def cpu(self) -> float:
        """Return the CPU seconds of swrhook's processes so far."""
        return cpu_seconds(*_pids(self.processes))

    def memory(self) -> float:
        """Return the memory of the largest of swrhook's processes, in MiB."""
        return memory(*_pids(self.processes))

    def server_cpu(self) -> float:
        """Return the CPU seconds of PostgreSQL so far, 0 on SQLite."""
        if self.server is None or self.server.pid is None:
            return 0.0
        return cpu_seconds(self.server.pid)

    def commits(self) -> int:
        """Return how many transactions the ledger's database committed, within seconds.

        On SQLite, transactions that only read are not counted.
        """
        if self.server is None:
            # "iChange" of the index of the write-ahead log (sqlite.org/walformat.html).
            (index,) = (self.web.folder / "var").glob("*.db-shm")
            return int.from_bytes(index.read_bytes()[8:12], sys.byteorder)
        time.sleep(_STATISTICS_DELAY)
        with psycopg.connect(self.server.url.replace("+psycopg", "")) as connection:
            query = "SELECT xact_commit FROM pg_stat_database WHERE datname = 'swrhook'"
            row = connection.execute(query).fetchone()
        assert row is not None
        return int(row[0])

    def wait_until_idle(self) -> None:
        """Wait until no sync is open."""
        states = "state=pending&state=calling&state=triggered"
        deadline = time.monotonic() + PATIENCE
        while self.web.get(f"/api/v1/syncs?{states}&limit=1")["items"]:
            if time.monotonic() > deadline:
                raise RuntimeError("some syncs did not end")
            time.sleep(0.05)

    def sender(self, name: str) -> "Sender":
        return Sender(f"{self.web.url}/hooks/{name}")


def _pids(processes: Sequence[Served]) -> Sequence[int]:
    return [served.process.pid for served in processes if served.process is not None]


class Sender:
    """A sender with one persistent connection."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._connection = HTTPConnection(parts.netloc, timeout=PATIENCE)
        self._path = parts.path

    def send(self, images: Sequence[str]) -> int:
        """Deliver images at once; return the status of the answer, 0 if there is none."""
        body = json.dumps({"images": images}, separators=(",", ":"))
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {SECRET}"}
        try:
            self._connection.request("POST", self._path, body, headers)
            answer = self._connection.getresponse()
            answer.read()
        except (OSError, HTTPException):
            self._connection.close()  # the next delivery connects again
            return 0
        return answer.status

    def deliver(self, images: Sequence[str]) -> None:
        """Deliver images, each delivery small enough to be recorded before its answer.

        Raises RuntimeError unless all were accepted.
        """
        for first in range(0, len(images), _PORTION):
            status = self.send(images[first : first + _PORTION])
            if status != 202:
                raise RuntimeError(f"{self._path}: {status}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._connection.close()


@contextmanager
def deploy(plan: Plan, simulated: Swr, *, start: bool = True) -> Iterator[Deployment]:
    """Run swrhook from the plan's folder, with a new ledger."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server, environ = None, {"SWRHOOK_WORKERS": str(plan.threads)}
        if plan.on_postgresql:
            server = _server(stack)
            environ["SWRHOOK_DATABASE_URL"] = f"{server.url.rpartition('/')[0]}/swrhook"
        web_environ = {**environ, "SWRHOOK_WORKERS": "0"} if plan.on_postgresql else environ
        web = _process(plan.root, folder / "web", "serve", web_environ)
        worker = None
        if plan.on_postgresql:
            worker = _process(plan.root, folder / "worker", "worker", environ)
        deployment = Deployment(simulated, web, worker, server)
        for process in deployment.processes:
            process.configure(_document(plan, simulated))
            stack.callback(process.close)
        if start:
            deployment.start()
        yield deployment


def _server(stack: ExitStack) -> Server:
    """Run a PostgreSQL of our own, so that its CPU time and its commits are all ours."""
    server = Server()
    stack.callback(server.close)
    server.start()
    with psycopg.connect(server.url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE DATABASE swrhook")
    return server


def _process(root: Path, folder: Path, command: str, environ: Mapping[str, str]) -> Served:
    folder.mkdir()
    port = free_port()
    more = {"SWRHOOK_METRICS_BIND": f"127.0.0.1:{port}"} if command == "worker" else {}
    arguments = ("env", "-C", str(root), sys.executable, "-m", "swrhook", command)
    return Served(folder, {**environ, **more}, port, arguments)


def _document(plan: Plan, simulated: Swr) -> dict[str, Any]:
    auth = {"scheme": "bearer", "secrets": [SECRET]}
    sender: dict[str, Any] = {"dialect": "generic", "region": SOURCE, "auth": auth}
    if "max_images" in (plan.root / "docs" / "configuration.md").read_text():
        sender["max_images"] = 50_000  # the default is less
    sync = [{"region": region, "namespace": "{namespace}"} for region in TARGETS[: plan.targets]]
    rule = {"name": "all", "when": {"namespace": "*"}, "sync": sync}
    endpoints = {region: simulated.urls[region] for region in (SOURCE, *TARGETS)}
    document = configuration(
        simulated.urls[light_swr.IAM], endpoints, {MASS: sender, LONE: sender}, [rule]
    )
    return {**document, "settings": {"body_limit": "16MiB", **plan.settings}}
