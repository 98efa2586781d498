"""The processes of the demonstration: the simulator in this one, the service in its own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Timer
from typing import Any

import requests

from swrhook import simulator
from swrhook.demo import scene
from swrhook.errors import SwrhookError

DEFAULT_PORT = 8080
# Seconds: until the service is ready, for one of its answers, until a late image arrives.
READY_TIMEOUT = 30.0
TIMEOUT = 10.0
LATE_BY = 2.0


class DemoFailed(SwrhookError):
    """The demonstration cannot continue; the message says why."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A running service and its simulator."""

    url: str
    swr: simulator.RunningSimulator
    folder: Path
    token: str
    process: "subprocess.Popen[bytes]"

    def bring_late_images(self) -> None:
        """Push the late images to the source region after LATE_BY seconds."""
        for image in scene.IMAGES:
            if image.arrives_late:
                timer = Timer(LATE_BY, _seed, (self.swr, image))
                timer.daemon = True
                timer.start()

    def deliver(self, request: scene.SenderRequest) -> tuple[int, dict[str, Any]]:
        """Post a sender's request; return the status and the body of the answer."""
        url = f"{self.url}/hooks/{request.sender}"
        answer = requests.post(url, request.body, headers=request.headers, timeout=TIMEOUT)
        return answer.status_code, answer.json()

    def syncs(self) -> list[dict[str, Any]]:
        """Return all syncs from the API, oldest first."""
        url = f"{self.url}/api/v1/syncs?limit=1000"
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = requests.get(url, headers=headers, timeout=TIMEOUT)
        answer.raise_for_status()
        items: list[dict[str, Any]] = answer.json()["items"]
        return items[::-1]


@contextmanager
def set_up(port: int | None = None) -> Iterator[Stage]:
    """Run simulator and service during a `with` block. Raises DemoFailed.

    `port`: the service's; by default DEFAULT_PORT or, if that is in use, a free one.
    """
    with TemporaryDirectory(prefix="swrhook-demo-") as name, simulator.start(scene.REGIONS) as swr:
        folder = Path(name)
        (folder / "swrhook.yaml").write_text(scene.configuration(swr.iam_url, swr.endpoints))
        _seed_regions(swr)
        port = _free_port(port)
        with _run_service(folder, port) as process:
            url = f"http://127.0.0.1:{port}"
            _wait_until_ready(url, process, folder / "service.log")
            yield Stage(url, swr, folder, scene.SECRETS["DEMO_OPS_TOKEN"], process)


def _seed_regions(swr: simulator.RunningSimulator) -> None:
    """Create the organizations, and push the images to the source region."""
    for organization in ("team-a", "team-b"):
        for region in (scene.SOURCE, scene.EAST):
            swr.state.create_organization(region, organization)
    swr.state.create_organization(scene.HONG_KONG, "team-a-hk")
    for image in scene.IMAGES:
        if not image.arrives_late:
            _seed(swr, image)


def _seed(swr: simulator.RunningSimulator, image: scene.Image) -> None:
    swr.state.seed(scene.SOURCE, image.namespace, image.repository, image.tag, image.digest)


@contextmanager
def _run_service(folder: Path, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    variables = os.environ.items()  # noqa: TID251  # passed to the service, not read
    # Settings in this environment are for another service.
    inherited = {name: value for name, value in variables if not name.startswith("SWRHOOK_")}
    settings = {
        "SWRHOOK_CONFIG": str(folder / "swrhook.yaml"),
        "SWRHOOK_DATABASE_URL": f"sqlite:///{folder / 'swrhook.db'}",
        "SWRHOOK_BIND": f"127.0.0.1:{port}",
        "SWRHOOK_LOG_FORMAT": "json",
    }
    environment = inherited | scene.SECRETS | settings
    with (folder / "service.log").open("wb") as log:
        process = subprocess.Popen(  # our own command
            [sys.executable, "-m", "swrhook", "serve"], env=environment, stdout=log, stderr=log
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait()


def _free_port(chosen: int | None) -> int:
    """Return the chosen port; without one, the default one or, if that is in use, a free one.

    Raises DemoFailed if the chosen one cannot be used: another server there would get everything.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", chosen or DEFAULT_PORT))
        except OSError as exc:
            if chosen is not None:
                message = f"port {chosen} cannot be used ({exc.strerror}): choose another --port"
                raise DemoFailed(message) from exc
            probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_ready(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + READY_TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(requests.RequestException):
            if requests.get(f"{url}/readyz", timeout=1).ok:
                return
        time.sleep(0.1)
    raise DemoFailed(f"the service did not become ready; its log:\n{log.read_text()}")
