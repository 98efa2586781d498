"""Real programs that tests start: a docker registry, images pushed by skopeo, our own service."""

import itertools
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import requests

from tests.warm_start import WarmProcess

ROOT = Path(__file__).parent.parent
TOKEN = "an-operator-token-of-the-tests"
PATIENCE = 60.0
_MOST_JOBS = 16
Process: TypeAlias = subprocess.Popen[bytes] | WarmProcess
# What Python or a library reads when it starts or is imported.
_READ_AT_IMPORT = {"LD_PRELOAD", "WEB_CONCURRENCY"}


def find(program: str) -> str | None:
    """Return where a program is: in PATH, or beside Python."""
    return shutil.which(program) or shutil.which(program, path=str(Path(sys.prefix) / "bin"))


def needs(*programs: str) -> pytest.MarkDecorator:
    lacking = [program for program in programs if find(program) is None]
    return pytest.mark.skipif(bool(lacking), reason=f"not installed: {', '.join(lacking)}")


def _ports_of_this_job() -> Iterator[int]:
    """Yield, round and round, every first of four ports in a row that no other job takes.

    They are below those that the kernel gives to connections: who listens later finds them free.
    """
    job = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    ports = range(10_000 + 4 * job, 32_000, 4 * _MOST_JOBS)
    start = random.randrange(len(ports))  # another run of the tests begins elsewhere
    return itertools.cycle([*ports[start:], *ports[:start]])


_PORTS = _ports_of_this_job()


def free_port(count: int = 1) -> int:
    """Return a port on which nobody listens, or the first of up to four in a row."""
    return next(port for port in _PORTS if all(map(_is_free, range(port, port + count))))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def wait_for(url: str, process: Process | None = None) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if process is not None and process.poll() is not None:
            break
        try:
            if requests.get(url, timeout=1).ok:
                return
        except requests.RequestException:
            pass
        time.sleep(0.05)
    pytest.fail(f"{url} does not answer")


@contextmanager
def docker_registry(folder: Path, notify: Mapping[str, str] | None = None) -> Iterator[str]:
    """Yield the URL of a new registry; it posts its events to notify["url"] with that secret."""
    port = free_port()
    config: dict[str, Any] = {
        "version": "0.1",
        "log": {"level": "error"},
        "storage": {
            "filesystem": {"rootdirectory": str(folder / "data")},
            "delete": {"enabled": True},
        },
        "http": {"addr": f"127.0.0.1:{port}", "debug": {"addr": f"127.0.0.1:{free_port()}"}},
    }
    if notify is not None:
        endpoint = {
            "name": "swrhook",
            "url": notify["url"],
            "headers": {"Authorization": [f"Bearer {notify['secret']}"]},
            "timeout": "2s",
            "threshold": 3,
            "backoff": "200ms",
        }
        config["notifications"] = {"endpoints": [endpoint]}
    file = folder / "registry.json"  # JSON is YAML too
    file.write_text(json.dumps(config))
    with (folder / "registry.log").open("wb") as log:
        command = ["docker-registry", "serve", str(file)]
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            wait_for(f"http://127.0.0.1:{port}/v2/", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()
            process.wait()


def notifications(folder: Path) -> dict[str, int]:
    """Return what a registry counts of its notifications: Events, Successes, Failures, Pending."""
    config = json.loads((folder / "registry.json").read_text())
    debug = requests.get(f"http://{config['http']['debug']['addr']}/debug/vars", timeout=5).json()
    (endpoint,) = debug["registry"]["notifications"]["endpoints"]
    counts: dict[str, int] = endpoint["Metrics"]
    return counts


def make_images(folder: Path, count: int) -> list[str]:
    """Make images with different digests; return them as skopeo names them."""
    layout = folder / "layout"
    _run("umoci", "init", "--layout", str(layout))
    names = [f"{layout}:image-{number}" for number in range(count)]
    for name in names:
        _run("umoci", "new", "--image", name)
        _run("umoci", "config", "--image", name, "--author", name)
    return [f"oci:{name}" for name in names]


def push(image: str, registry: str, name: str) -> None:
    """Push an image to a registry under a name, as people do."""
    target = f"docker://{registry.removeprefix('http://')}/{name}"
    _run("skopeo", "--insecure-policy", "copy", "--dest-tls-verify=false", image, target)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


DELIVERY_HEADERS = {"Authorization": "Bearer a-secret-of-the-senders"}


@dataclass
class Served:
    """Our service under the real gunicorn, with a configuration and a ledger of its own."""

    folder: Path
    environ: Mapping[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    command: Sequence[str] = (sys.executable, "-m", "gunicorn", "wsgi:app")
    is_warm: bool = True  # as far as its environment allows, see warm_start.py
    process: Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def configure(self, document: Mapping[str, Any]) -> None:
        (self.folder / "swrhook.yaml").write_text(json.dumps(document))

    def start(self, *, ready: bool = True) -> None:
        environ = {
            **os.environ,
            "SWRHOOK_CONFIG": str(self.folder / "swrhook.yaml"),
            "SWRHOOK_DATABASE_URL": f"sqlite:///{self.folder}/var/swrhook.db",
            "SWRHOOK_BIND": f"127.0.0.1:{self.port}",
            **self.environ,
        }
        is_module = list(self.command[:2]) == [sys.executable, "-m"]
        if self.is_warm and is_module and not _READ_AT_IMPORT & environ.keys():
            self.process = WarmProcess(self.command[2:], ROOT, environ, self.log)
        else:
            self._start_cold(environ)
        if ready:
            wait_for(f"{self.url}/readyz", self.process)

    def _start_cold(self, environ: Mapping[str, str]) -> None:
        with self.log.open("ab") as log:
            # A process group of its own, so that a kill reaches gunicorn's worker as well.
            self.process = subprocess.Popen(
                self.command, cwd=ROOT, env=environ, stdout=log, stderr=log, start_new_session=True
            )

    def deliver(self, sender: str, body: Any, **headers: str) -> requests.Response:
        """Post a delivery with the senders' secret; anything but bytes is sent as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        url = f"{self.url}/hooks/{sender}"
        return requests.post(url, content, headers=DELIVERY_HEADERS | headers, timeout=20)

    def kill(self) -> None:
        """End master and worker at once, as a power cut would."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """End it as an operator would; return the exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()

    @property
    def log(self) -> Path:
        return self.folder / "service.log"

    def children(self) -> list[int]:
        """Return the ids of gunicorn's workers."""
        assert self.process is not None
        pid = self.process.pid
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return [int(child) for child in listed.split()]

    def events(self) -> list[dict[str, Any]]:
        """Return the service's own log lines."""
        lines = self.log.read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def get(self, path: str) -> Any:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer = requests.get(f"{self.url}{path}", headers=headers, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str) -> None:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        answer = requests.post(f"{self.url}{path}", headers=headers, timeout=10)
        assert answer.ok, answer.text

    def syncs(self) -> list[dict[str, Any]]:
        """Return every sync, page by page."""
        items: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = self.get(f"/api/v1/syncs?limit=1000{cursor}")
            items += page["items"]
            if page["next"] is None:
                return items
            cursor = f"&cursor={page['next']}"

    def wait_until_ended(self, count: int) -> list[dict[str, Any]]:
        """Return the syncs once there are so many, and all have ended."""
        deadline = time.monotonic() + PATIENCE
        while True:
            syncs = self.syncs()
            is_open = {"pending", "calling", "triggered"} & {sync["state"] for sync in syncs}
            if (len(syncs) >= count and not is_open) or time.monotonic() > deadline:
                return syncs
            time.sleep(0.2)


def configuration(
    iam_url: str, endpoints: Mapping[str, str], senders: Mapping[str, Any], rules: Sequence[Any]
) -> dict[str, Any]:
    """Return a whole configuration for the simulator's regions, looked at often."""
    return {
        "swr": {
            "iam_endpoint": iam_url,
            "credentials": {
                "kind": "password",
                "user": "demo",
                "domain": "demo",
                "password": "demo",
            },
            "regions": {name: {"endpoint": url} for name, url in endpoints.items()},
        },
        "access": {"tokens": [{"name": "tests", "role": "admin", "token": TOKEN}]},
        "senders": senders,
        "rules": rules,
        "settings": {
            "verify": {"first": "100ms", "cap": "1s"},
            "retry": {"base": "100ms", "cap": "1s"},
        },
    }
