"""What the benchmark runs against: the service under gunicorn, and the simulator, as processes."""

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from bench.load import AUTH
from tests.programs import ROOT, Served, configuration

SOURCE = "cn-north-4"
TARGETS = ("cn-east-3", "ap-southeast-1", "cn-south-1")
NOWHERE = "http://127.0.0.1:1"
# As fast as it goes: nothing but the machine is to hold it up.
UNPACED = {"per_second": 10_000, "in_flight": 64, "in_flight_per_target": 64}
# A crowded machine may take that long; no figure contains it.
PATIENCE = 300.0


class Swr:
    """The simulator in a process of its own."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        """Read where it listens."""
        self.process = process
        assert process.stdout is not None
        urls: list[str] = []
        while len(urls) <= len(TARGETS) + 1 and (line := process.stdout.readline()):
            urls += re.findall(r"http://[0-9.:]+(?=\s)", line)
        self.iam = urls[0]
        self.endpoints = dict(zip((SOURCE, *TARGETS), urls[1:], strict=False))

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Ask the control API."""
        content = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.iam}/_sim/{path}", content, method=method)
        with urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def calls(self) -> list[dict[str, Any]]:
        """Return the calls of sync_images so far."""
        found: list[dict[str, Any]] = self.ask("GET", "calls?operation=sync_images")
        return found

    def seed(self, images: Sequence[tuple[str, str, str]]) -> None:
        """Have these tags at the source: repository, tag, digest."""
        names = ("repository", "tag", "digest")
        tags = [
            {"region": SOURCE, "namespace": "team", **dict(zip(names, image, strict=True))}
            for image in images
        ]
        self.ask("PUT", "tags", tags)

    def wait_for(self, pairs: int) -> list[dict[str, Any]]:
        """Return the calls once they have named so many different tags and targets."""
        deadline = time.monotonic() + PATIENCE
        while len(named(calls := self.calls())) < pairs:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{len(named(calls))} of {pairs} tags were called for")
            time.sleep(0.2)
        return calls


def named(calls: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str, str], str]:
    """Return what the calls name, path, tag and target, each with the time of its first call."""
    found: dict[tuple[str, str, str], str] = {}
    for call in calls:
        body = json.loads(call["body"]) if isinstance(call["body"], str) else call["body"]
        for tag in body["imageTag"]:
            found.setdefault((call["path"], tag, body["remoteRegionId"]), call["time"])
    return found


@contextmanager
def swr() -> Iterator[Swr]:
    """Yield a new simulator with the organization `team`."""
    regions = ",".join((SOURCE, *TARGETS))
    command = (sys.executable, "-m", "swrhook", "simulator", "--port", "0", "--delay", "0")
    with subprocess.Popen(
        (*command, "--regions", regions), cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            simulator = Swr(process)
            wanted = [{"region": region, "namespace": "team"} for region in (SOURCE, *TARGETS)]
            simulator.ask("PUT", "organizations", wanted)
            yield simulator
        finally:
            process.terminate()


@contextmanager
def service(
    simulator: Swr | None = None,
    *,
    targets: int = 1,
    app: str = "wsgi:app",
    environ: Mapping[str, str] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Iterator[Served]:
    """Yield a service with one sender, whose every push goes to so many targets.

    Without a simulator it only records.
    """
    records_only = {} if simulator else {"SWRHOOK_WORKERS": "0"}
    with tempfile.TemporaryDirectory() as folder:
        served = Served(
            Path(folder),
            {**records_only, **(environ or {})},
            command=(sys.executable, "-m", "gunicorn", app),
        )
        served.configure(_document(simulator, targets, settings or {}))
        served.start()
        try:
            yield served
        finally:
            served.close()


def _document(
    simulator: Swr | None, targets: int, settings: Mapping[str, Any]
) -> Mapping[str, Any]:
    endpoints = simulator.endpoints if simulator else dict.fromkeys((SOURCE, *TARGETS), NOWHERE)
    sync = [{"region": region, "namespace": "team"} for region in TARGETS[:targets]]
    return {
        **configuration(
            simulator.iam if simulator else NOWHERE,
            endpoints,
            {"harbor": {"dialect": "harbor", "region": SOURCE, "auth": AUTH}},
            [{"name": "all", "when": {"namespace": "team"}, "sync": sync}],
        ),
        "settings": settings,
    }


def memory(served: Served) -> float:
    """Return the MiB that the process which serves and works holds in memory."""
    assert served.process is not None
    pid = served.process.pid
    (child, *_) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    status = Path(f"/proc/{child}/status").read_text()
    return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0]) / 1024
