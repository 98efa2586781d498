"""Two web processes behind a load balancer and two workers: any of them may end."""

import os
import signal
import threading
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import Self

import requests

from swrhook.simulator import Fault
from tests.cluster.conftest import REPOSITORIES, SECRET, SOURCE, TARGET, Cluster, until
from tests.programs import PATIENCE, TOKEN, needs

pytestmark = needs("haproxy")
HEADERS = {"Authorization": f"Bearer {SECRET}"}
SLOW = 0.7
MOST_OF_ONE_WORKER = 3  # calls of one region, of its eight threads


class Sender:
    """Delivers one tag after the other through the load balancer, until it is told to stop."""

    def __init__(self, cluster: Cluster) -> None:
        self.answers: Counter[int | str] = Counter()
        self.images: list[str] = []
        self._cluster = cluster
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._stop.set()
        self._thread.join(PATIENCE)

    def _run(self) -> None:
        while not self._stop.wait(0.1):
            number = len(self.images)
            repository, tag = f"app-{number % REPOSITORIES}", f"v{number}"
            self._cluster.swr.state.seed(SOURCE, "team", repository, tag)
            self.images.append(f"team/{repository}:{tag}")
            self.answers[self._deliver(self.images[-1])] += 1

    def _deliver(self, image: str) -> int | str:
        try:
            url = f"{self._cluster.balancer.url}/hooks/ci"
            return requests.post(
                url, json={"image": image}, headers=HEADERS, timeout=20
            ).status_code
        except requests.RequestException as exc:
            return repr(exc)


def test_every_acknowledged_tag_arrives_whichever_process_ends(cluster: Cluster) -> None:
    """A web process drains and comes back, a worker is killed in the middle of its calls."""
    cluster.swr.state.faults.add([Fault(SOURCE, "sync_images", delay=SLOW)])
    cluster.start()
    web, killed = cluster.processes["web-1"], cluster.processes["worker-1"]

    with Sender(cluster) as sender:
        until(lambda: len(calls_in_flight(cluster)) > MOST_OF_ONE_WORKER)
        killed.kill()
        assert web.stop() == 0
        web.start()
        until(lambda: len(sender.images) > 60)
    syncs = cluster.processes["web-2"].wait_until_ended(len(sender.images))

    assert "lane.left_behind" in {e["event"] for e in cluster.processes["worker-2"].events()}
    assert sender.answers == {202: len(sender.images)}  # no delivery failed
    assert Counter(sync["state"] for sync in syncs) == {"verified": len(sender.images)}
    images = {f"{s['namespace']}/{s['repository']}:{s['tag']}" for s in syncs}
    assert set(sender.images) == images
    assert overlapping(cluster) == []
    for image in sender.images:
        repository, _, tag = image.removeprefix("team/").partition(":")
        held = [
            cluster.swr.state.digest(region, "team", repository, tag) for region in (SOURCE, TARGET)
        ]
        assert held[0] == held[1]


def test_a_worker_that_was_stopped_changes_nothing_when_it_comes_back(cluster: Cluster) -> None:
    cluster.swr.state.faults.add([Fault(SOURCE, "sync_images", delay=SLOW)])
    cluster.swr.state.seed(SOURCE, "team", "app-0", "v0")
    second = cluster.processes.pop("worker-2")
    cluster.start()
    first = cluster.processes["worker-1"]
    assert first.process is not None
    url = f"{cluster.balancer.url}/hooks/ci"

    requests.post(url, json={"image": "team/app-0:v0"}, headers=HEADERS, timeout=20)
    until(lambda: bool(calls_in_flight(cluster)))
    os.killpg(first.process.pid, signal.SIGSTOP)
    second.start()
    (sync,) = cluster.processes["web-1"].wait_until_ended(1)
    os.killpg(first.process.pid, signal.SIGCONT)
    until(lambda: "lane.taken_over" in {each["event"] for each in first.events()})

    assert (sync["state"], cluster.processes["web-1"].syncs()[0]) == ("verified", sync)
    assert first.stop() == 0


def test_a_worker_shows_its_health_and_metrics_and_takes_no_deliveries(cluster: Cluster) -> None:
    worker = cluster.processes["worker-1"]
    worker.start()
    headers = {"Authorization": f"Bearer {TOKEN}"}

    def status(method: str, path: str) -> int:
        answer = requests.request(method, f"{worker.url}{path}", headers=headers, timeout=10)
        return answer.status_code

    assert [status("GET", f"/{n}") for n in ("healthz", "readyz", "metrics")] == [200, 200, 200]
    assert [status("POST", "/hooks/ci"), status("GET", "/api/v1/syncs")] == [404, 404]
    assert worker.stop() == 0


def calls_in_flight(cluster: Cluster) -> list[str]:
    calls = cluster.swr.state.calls(operation="sync_images")
    return [call.path for call in calls if call.status is None]


def overlapping(cluster: Cluster) -> list[str]:
    """Return the lanes (here each repository has one) that were called twice at a time."""
    spans: dict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    for call in cluster.swr.state.calls(operation="sync_images"):
        if call.took_ms is not None:
            took = timedelta(milliseconds=call.took_ms)
            spans[call.path].append((call.time, call.time + took))
    return [
        path
        for path, each in spans.items()
        if any(
            ended > begun
            for (_, ended), (begun, _) in zip(sorted(each), sorted(each)[1:], strict=False)
        )
    ]
