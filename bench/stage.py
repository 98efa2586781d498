"""The processes that the benchmark measures: the service under gunicorn, and the simulator."""

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
# Limits so high that only the machine limits the speed.
UNPACED = {"per_second": 10_000, "in_flight": 64, "in_flight_per_target": 64}
# Seconds; a machine with much other load may need so long. No figure includes it.
PATIENCE = 300.0


class Swr:
    """A simulator in its own process."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        """Read the endpoints from the output of the process."""
        self.process = process
        assert process.stdout is not None
        urls: list[str] = []
        while len(urls) <= len(TARGETS) + 1 and (line := process.stdout.readline()):
            urls += re.findall(r"http://[0-9.:]+(?=\s)", line)
        self.iam = urls[0]
        self.endpoints = dict(zip((SOURCE, *TARGETS), urls[1:], strict=False))

    def control(self, method: str, path: str, body: object = None) -> Any:
        """Call the control API; return the JSON of the answer."""
        content = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.iam}/_sim/{path}", content, method=method)
        with urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def calls(self) -> list[dict[str, Any]]:
        """Return the calls of sync_images so far."""
        calls: list[dict[str, Any]] = self.control("GET", "calls?operation=sync_images")
        return calls

    def seed(self, images: Sequence[tuple[str, str, str]]) -> None:
        """Push tags to the source region, each as repository, tag, digest."""
        names = ("repository", "tag", "digest")
        tags = [
            {"region": SOURCE, "namespace": "team", **dict(zip(names, image, strict=True))}
            for image in images
        ]
        self.control("PUT", "tags", tags)

    def wait_for(self, pairs: int) -> list[dict[str, Any]]:
        """Wait for calls with so many distinct pairs of tag and target; return all calls."""
        deadline = time.monotonic() + PATIENCE
        while len(first_calls(calls := self.calls())) < pairs:
            if time.monotonic() > deadline:
                raise RuntimeError(
                    f"only {len(first_calls(calls))} of {pairs} syncs were triggered"
                )
            time.sleep(0.2)
        return calls


def first_calls(calls: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str, str], str]:
    """Return the time of the first call for each path, tag and target."""
    times: dict[tuple[str, str, str], str] = {}
    for call in calls:
        body = json.loads(call["body"]) if isinstance(call["body"], str) else call["body"]
        for tag in body["imageTag"]:
            times.setdefault((call["path"], tag, body["remoteRegionId"]), call["time"])
    return times


@contextmanager
def swr() -> Iterator[Swr]:
    """Run a new simulator with the organization `team` in every region."""
    regions = ",".join((SOURCE, *TARGETS))
    command = (sys.executable, "-m", "swrhook", "simulator", "--port", "0", "--delay", "0")
    with subprocess.Popen(
        (*command, "--regions", regions), cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            simulator = Swr(process)
            simulator.control("PUT", "organizations", {"region": "*", "namespace": "team"})
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
    """Run a service with one sender, whose pushes are copied to so many targets.

    Without a simulator the service only records.
    """
    records_only = {} if simulator else {"SWRHOOK_WORKERS": "0"}
    with tempfile.TemporaryDirectory() as folder:
        served = Served(
            Path(folder),
            {**records_only, **(environ or {})},
            command=(sys.executable, "-m", "gunicorn", app),
            is_warm=False,
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
