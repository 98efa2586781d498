"""From the push to the call of sync_images: how many, how soon, in how few, in what memory."""

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

from bench.figures import Figure, Findings, Plot
from bench.load import SECRET, Sender, deliveries
from bench.stage import SOURCE, TARGETS, UNPACED, Swr, memory, named, service, swr
from tests.programs import free_port, wait_for

TAGS, TARGETS_EACH, SENDERS, ROUNDS = 400, 2, 8, 2
# The first ones, with the login and the look for the organization, are not counted.
ALONE, FIRST = 60, 10
GATHERED, WITHIN, CALL = 1000, 10.0, 0.2
KEPT = 10_000
WORKERS = (1, 4, 8, 16)
QUICK = {"pace": UNPACED, "verify": {"first": "100ms", "cap": "1s"}}
# Proofs come later: nothing but the push is to be measured.
UNPROVEN = {"pace": UNPACED, "verify": {"first": "10m", "cap": "10m"}}

Prepared = Sequence[tuple[str, bytes]]


def measure() -> Findings:
    """Measure all of it."""
    triggered, skipped = _triggered()
    figures = [*triggered, _alone(), _gathered(), _memory()]
    return Findings(figures, [_drain()], skipped)


def _triggered() -> tuple[Sequence[Figure], Sequence[str]]:
    if not all(map(shutil.which, ("webhook", "curl"))):
        return (), ["pushes triggered per second: Debian's webhook or curl is not installed"]
    rounds = []
    for _ in range(ROUNDS):
        with swr() as simulator, _webhook(simulator) as url:
            theirs = _rate(simulator, url)
        with swr() as simulator, service(simulator, targets=2, settings=UNPROVEN) as served:
            rounds.append((_rate(simulator, f"{served.url}/hooks/harbor"), theirs))
    ours, theirs = (median(column) for column in zip(*rounds, strict=True))
    ratio = median(our / their for our, their in rounds)
    measured, reference = f"{ours:.0f}/s", f"webhook with curl: {theirs:.0f}/s"
    what = f"pushes fully triggered ({TAGS} tags, 20 repositories, {TARGETS_EACH} targets)"
    return [Figure(what, measured, reference, ratio, at_least=3, moonshot=10)], ()


def _prepared(simulator: Swr, how_many: int) -> Prepared:
    """Return so many deliveries of tags that the source holds."""
    prepared = list(deliveries(how_many))
    events = [json.loads(body)["event_data"] for _, body in prepared]
    simulator.seed(
        [
            (event["repository"]["name"], resource["tag"], resource["digest"])
            for event in events
            for resource in event["resources"]
        ]
    )
    return prepared


def _rate(simulator: Swr, url: str, tags: int = TAGS, targets: int = TARGETS_EACH) -> float:
    """Return how many pushes a second are called for at all their targets."""
    prepared = _prepared(simulator, tags)
    started = time.time()
    _deliver(url, prepared)
    calls = named(simulator.wait_for(tags * targets))
    return tags / (max(_seconds(at) for at in calls.values()) - started)


def _deliver(url: str, prepared: Prepared) -> None:
    def send(some: Prepared) -> None:
        with Sender(url) as sender:
            for each in some:
                sender.send(*each)

    with ThreadPoolExecutor(SENDERS) as pool:
        list(pool.map(send, (prepared[number::SENDERS] for number in range(SENDERS))))


def _seconds(time: str) -> float:
    return datetime.fromisoformat(time).timestamp()


@contextmanager
def _webhook(simulator: Swr) -> Iterator[str]:
    """Yield the URL of Debian's webhook: it checks the signature and runs a script with curl."""
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
                yield f"http://127.0.0.1:{port}/hooks/harbor"
            finally:
                run.terminate()


def _script(simulator: Swr) -> str:
    url = f"{simulator.endpoints[SOURCE]}/v2/manage/namespaces/team/repos/$1/sync_images"
    headers = f"-H 'X-Auth-Token: {_token(simulator)}' -H 'Content-Type: application/json'"
    wanted = '{\\"imageTag\\":[\\"$2\\"],\\"remoteNamespace\\":\\"team\\"'
    regions = " ".join(TARGETS[:TARGETS_EACH])
    return (
        "#!/bin/sh\n"
        f"for region in {regions}; do\n"
        f'  curl -s "{url}" {headers} -d "{wanted},\\"remoteRegionId\\":\\"$region\\"}}"\n'
        "done\n"
    )


def _hook(script: Path) -> Mapping[str, object]:
    arguments = ("event_data.repository.name", "event_data.resources.0.tag")
    return {
        "id": "harbor",
        "execute-command": str(script),
        "pass-arguments-to-command": [{"sender": "payload", "name": name} for name in arguments],
        "trigger-rule": {
            "match": {
                "type": "payload-hmac-sha256",
                "secret": SECRET,
                "parameter": {"sender": "header", "name": "X-Signature"},
            }
        },
    }


def _token(simulator: Swr) -> str:
    user = {"name": "demo", "password": "demo", "domain": {"name": "demo"}}
    identity = {"methods": ["password"], "password": {"user": user}}
    wanted = {"auth": {"identity": identity, "scope": {"project": {"name": SOURCE}}}}
    answer = requests.post(f"{simulator.iam}/v3/auth/tokens", json=wanted, timeout=10)
    return answer.headers["X-Subject-Token"]


def _alone() -> Figure:
    """Push one tag after the other, each to an idle service."""
    took = []
    with swr() as simulator, service(simulator, settings=UNPROVEN) as served:
        prepared = _prepared(simulator, FIRST + ALONE)
        with Sender(f"{served.url}/hooks/harbor") as sender:
            for number, each in enumerate(prepared, 1):
                sent = time.time()
                sender.send(*each)
                time.sleep(0.05)  # the call is not to wait for our question
                calls = named(simulator.wait_for(number))
                took.append((max(map(_seconds, calls.values())) - sent) * 1000)
    took = took[FIRST:]
    return Figure(
        "push → sync_images on the wire, idle, source looked at first, p50",
        f"{median(took):.1f} ms",
        "",
        median(took),
        at_least=15,
        moonshot=6,
        unit="ms",
        less_is_better=True,
    )


def _gathered() -> Figure:
    """Push the tags of one repository evenly, with the settings as they come."""
    with swr() as simulator, service(simulator, targets=3) as served:
        simulator.ask("POST", "faults", {"operation": "sync_images", "delay": CALL})
        prepared = list(deliveries(GATHERED, repositories=1))
        resources = [json.loads(body)["event_data"]["resources"][0] for _, body in prepared]
        simulator.seed([("app-0", each["tag"], each["digest"]) for each in resources])
        with Sender(f"{served.url}/hooks/harbor") as sender:
            started = time.monotonic()
            for number, each in enumerate(prepared):
                time.sleep(max(0, started + number * WITHIN / GATHERED - time.monotonic()))
                sender.send(*each)
        calls = len(simulator.wait_for(GATHERED * 3))
    return Figure(
        "calls for 1,000 tags of one repository in 10 s, 3 targets, 200 ms a call",
        f"{calls} calls",
        "one for each tag and target: 3000",
        calls,
        at_least=200,
        moonshot=150,
        unit="calls",
        less_is_better=True,
    )


def _memory() -> Figure:
    with swr() as simulator, service(simulator, targets=2, settings=QUICK) as served:
        before = memory(served)
        _deliver(f"{served.url}/hooks/harbor", _prepared(simulator, KEPT // 2))
        simulator.wait_for(KEPT)
        after = memory(served)
    return Figure(
        f"memory of the process after {KEPT:,} syncs",
        f"{after:.0f} MiB",
        f"after its start: {before:.0f} MiB",
        after,
        at_least=150,
        moonshot=110,
        unit="MiB",
        less_is_better=True,
    )


def _drain() -> Plot:
    points = []
    for workers in WORKERS:
        environ = {"SWRHOOK_WORKERS": str(workers)}
        with (
            swr() as simulator,
            service(simulator, targets=2, environ=environ, settings=UNPROVEN) as served,
        ):
            simulator.ask("POST", "faults", {"operation": "sync_images", "delay": CALL})
            points.append((workers, 2 * _rate(simulator, f"{served.url}/hooks/harbor")))
    return Plot(
        "drain",
        f"Syncs called for per second, a call taking {CALL * 1000:.0f} ms",
        "worker threads",
        "syncs/s",
        {f"{TAGS} tags, 20 repositories, {TARGETS_EACH} targets": points},
    )
