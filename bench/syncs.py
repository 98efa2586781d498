"""Measures calls of sync_images after pushes: rate, latency and number of calls."""

import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from statistics import median

import requests

from bench.figures import Figure, Measurement, Plot
from bench.load import SECRET, Sender, deliveries
from bench.processes import cpu_seconds
from bench.stage import SOURCE, TARGETS, UNPACED, Swr, first_calls, service, swr
from tests.programs import free_port, wait_for

TAGS, TARGETS_EACH, SENDERS, ROUNDS = 400, 2, 8, 2
# The first ones are not counted: they include the login and the check of the organization.
ALONE, FIRST = 60, 10
BURST, WITHIN, CALL = 1000, 10.0, 0.2
WORKERS = (1, 4, 8, 16)
# Verification is delayed, so that only the call is measured.
UNVERIFIED = {"pace": UNPACED, "verify": {"first": "10m", "cap": "10m"}}

Prepared = Sequence[tuple[str, bytes]]


def measure() -> Measurement:
    """Run all benchmarks of syncs."""
    triggered, skipped = _triggered()
    figures = [*triggered, _alone(), _burst()]
    return Measurement(figures, [_drain()], skipped)


def _triggered() -> tuple[Sequence[Figure], Sequence[str]]:
    if not all(map(shutil.which, ("webhook", "curl"))):
        return (), ["pushes triggered per CPU-second: Debian's webhook or curl is not installed"]
    rounds = []
    for _ in range(ROUNDS):
        with swr() as simulator, _webhook(simulator) as (url, pid):
            theirs = _rate_of_cpu(simulator, url, pid)
        with swr() as simulator, service(simulator, targets=2, settings=UNVERIFIED) as served:
            assert served.process is not None
            url = f"{served.url}/hooks/harbor"
            rounds.append((_rate_of_cpu(simulator, url, served.process.pid), theirs))
    ours, theirs = (median(column) for column in zip(*rounds, strict=True))
    ratio = median(our / their for our, their in rounds)
    name = (
        f"pushes fully triggered per CPU-second ({TAGS} tags, 20 repositories, "
        f"{TARGETS_EACH} targets)"
    )
    reference = f"webhook with curl: {theirs:.0f}"
    return [Figure(name, f"{ours:.0f}", reference, ratio, at_least=6, moonshot=10)], ()


def _prepare(simulator: Swr, number: int) -> Prepared:
    """Return so many deliveries of tags that exist in the source region."""
    prepared = list(deliveries(number))
    events = [json.loads(body)["event_data"] for _, body in prepared]
    simulator.seed(
        [
            (event["repository"]["name"], resource["tag"], resource["digest"])
            for event in events
            for resource in event["resources"]
        ]
    )
    return prepared


def _rate_of_cpu(simulator: Swr, url: str, pid: int) -> float:
    """Return how many pushes are triggered for all their targets per CPU-second of a process."""
    before = cpu_seconds(pid)
    _rate(simulator, url)
    time.sleep(1)  # until the last answers are processed
    return TAGS / (cpu_seconds(pid) - before)


def _rate(simulator: Swr, url: str, tags: int = TAGS, targets: int = TARGETS_EACH) -> float:
    """Return how many pushes a second are triggered for all their targets."""
    prepared = _prepare(simulator, tags)
    started = time.time()
    _deliver(url, prepared)
    calls = first_calls(simulator.wait_for(tags * targets))
    return tags / (max(_seconds(at) for at in calls.values()) - started)


def _deliver(url: str, prepared: Prepared) -> None:
    def send(part: Prepared) -> None:
        with Sender(url) as sender:
            for signature, body in part:
                sender.send(signature, body)

    with ThreadPoolExecutor(SENDERS) as pool:
        list(pool.map(send, (prepared[number::SENDERS] for number in range(SENDERS))))


def _seconds(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()


@contextmanager
def _webhook(simulator: Swr) -> Iterator[tuple[str, int]]:
    """Run Debian's webhook, whose script runs curl; yield its URL and the id of its process."""
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        script = folder / "sync.sh"
        script.write_text(_script(simulator))
        script.chmod(0o755)
        (folder / "hooks.json").write_text(json.dumps([_hook(script)]))
        command = ["webhook", "-hooks", str(folder / "hooks.json"), "-port", str(port)]
        silent = subprocess.DEVNULL
        with subprocess.Popen([*command, "-ip", "127.0.0.1"], stdout=silent, stderr=silent) as run:
            try:
                wait_for(f"http://127.0.0.1:{port}/", run)
                yield f"http://127.0.0.1:{port}/hooks/harbor", run.pid
            finally:
                run.terminate()


def _script(simulator: Swr) -> str:
    url = f"{simulator.endpoints[SOURCE]}/v2/manage/namespaces/team/repos/$1/sync_images"
    headers = f"-H 'X-Auth-Token: {_token(simulator)}' -H 'Content-Type: application/json'"
    body = '{\\"imageTag\\":[\\"$2\\"],\\"remoteNamespace\\":\\"team\\"'
    regions = " ".join(TARGETS[:TARGETS_EACH])
    return (
        "#!/bin/sh\n"
        f"for region in {regions}; do\n"
        f'  curl -s "{url}" {headers} -d "{body},\\"remoteRegionId\\":\\"$region\\"}}"\n'
        "done\n"
    )


def _hook(script: Path) -> Mapping[str, object]:
    arguments = ("event_data.repository.name", "event_data.resources.0.tag")
    return {
        "id": "harbor",
        "execute-command": str(script),
        "pass-arguments-to-command": [{"source": "payload", "name": name} for name in arguments],
        "trigger-rule": {
            "match": {
                "type": "payload-hmac-sha256",
                "secret": SECRET,
                "parameter": {"source": "header", "name": "X-Signature"},
            }
        },
    }


def _token(simulator: Swr) -> str:
    user = {"name": "demo", "password": "demo", "domain": {"name": "demo"}}
    identity = {"methods": ["password"], "password": {"user": user}}
    body = {"auth": {"identity": identity, "scope": {"project": {"name": SOURCE}}}}
    answer = requests.post(f"{simulator.iam}/v3/auth/tokens", json=body, timeout=10)
    return answer.headers["X-Subject-Token"]


def _alone() -> Figure:
    """Push one tag after the other, each to an idle service."""
    latencies = []
    with swr() as simulator, service(simulator, settings=UNVERIFIED) as served:
        prepared = _prepare(simulator, FIRST + ALONE)
        with Sender(f"{served.url}/hooks/harbor") as sender:
            for number, (signature, body) in enumerate(prepared, 1):
                started = time.time()
                sender.send(signature, body)
                time.sleep(0.05)  # so that our polling does not delay the call
                calls = first_calls(simulator.wait_for(number))
                latencies.append((max(map(_seconds, calls.values())) - started) * 1000)
    latency = median(latencies[FIRST:])
    return Figure(
        "push → sync_images on the wire, idle, source read first, p50",
        f"{latency:.1f} ms",
        "",
        latency,
        at_least=15,
        moonshot=5,
        unit="ms",
        less_is_better=True,
    )


def _burst() -> Figure:
    """Push the tags of one repository at a constant rate, with the default settings."""
    with swr() as simulator, service(simulator, targets=3) as served:
        simulator.control("POST", "faults", {"operation": "sync_images", "delay": CALL})
        prepared = list(deliveries(BURST, repositories=1))
        resources = [json.loads(body)["event_data"]["resources"][0] for _, body in prepared]
        simulator.seed([("app-0", item["tag"], item["digest"]) for item in resources])
        with Sender(f"{served.url}/hooks/harbor") as sender:
            started = time.monotonic()
            for number, (signature, body) in enumerate(prepared):
                time.sleep(max(0, started + number * WITHIN / BURST - time.monotonic()))
                sender.send(signature, body)
        calls = len(simulator.wait_for(BURST * 3))
    return Figure(
        "calls for 1,000 tags of one repository in 10 s, 3 targets, 200 ms a call",
        f"{calls} calls",
        "one for each tag and target: 3000",
        calls,
        at_least=200,
        moonshot=40,
        unit="calls",
        less_is_better=True,
    )


def _drain() -> Plot:
    points = []
    for workers in WORKERS:
        environ = {"SWRHOOK_WORKERS": str(workers)}
        with (
            swr() as simulator,
            service(simulator, targets=2, environ=environ, settings=UNVERIFIED) as served,
        ):
            simulator.control("POST", "faults", {"operation": "sync_images", "delay": CALL})
            points.append((workers, 2 * _rate(simulator, f"{served.url}/hooks/harbor")))
    return Plot(
        "drain",
        f"Syncs triggered per second, with calls of {CALL * 1000:.0f} ms",
        "worker threads",
        "syncs/s",
        {f"{TAGS} tags, 20 repositories, {TARGETS_EACH} targets": points},
    )
