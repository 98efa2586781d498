"""While a region does not answer, its lanes wait untouched; afterwards they go on at once."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from swrhook.clock import SystemClock
from swrhook.config.model import Pace
from swrhook.errors import SwrError
from swrhook.model import Lane, State
from swrhook.syncs.backoff import Backoff
from swrhook.worker import circuit_breaker
from swrhook.worker.circuit_breaker import FAILURES_TO_OPEN
from tests.factories import LANE, A, all_syncs, entry, push, write
from tests.worker.engine import running
from tests.worker.harness import FakeSwr, WorkerHarness, config, error

PAUSES = Backoff(timedelta(seconds=0.05), timedelta(seconds=0.1))
PATIENCE = 60.0
IN_FLIGHT = 4
LANES = 40
# The runs that were in flight when the breaker opened have one request each, or none.
PROBES = 8
REQUESTS = FAILURES_TO_OPEN + IN_FLIGHT + PROBES


class DeadSwr(FakeSwr):
    """Answers nothing of one kind until it is revived."""

    def __init__(self, operation: str) -> None:
        super().__init__()
        self.operation = operation
        self.is_dead = True
        self.asked: list[tuple[str, datetime]] = []  # the tags of that kind of request, and when
        self.began: list[str] = []  # the tags of all runs
        self.changed = threading.Condition()

    def show_tag(self, region: str, namespace: str, repository: str, tag: str) -> str | None:
        if region == LANE.source_region:
            self.began.append(tag)
            self._ask("look_source", tag)
        time.sleep(0.01)  # as over a network: other threads look for lanes meanwhile
        return super().show_tag(region, namespace, repository, tag)

    def sync_images(self, lane: Lane, tags: Sequence[str]) -> None:
        self._ask("sync_images", tags[0])
        super().sync_images(lane, tags)

    def _ask(self, operation: str, tag: str) -> None:
        if operation != self.operation:
            return
        with self.changed:
            self.asked.append((tag, SystemClock().now()))
            self.changed.notify_all()
            if self.is_dead:
                raise error()

    def revive(self) -> None:
        with self.changed:
            self.is_dead = False

    def wait_for(self, holds: Callable[[], bool]) -> bool:
        with self.changed:
            return self.changed.wait_for(holds, PATIENCE)


@pytest.fixture(params=["look_source", "sync_images"])
def swr(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> DeadSwr:
    monkeypatch.setattr(circuit_breaker, "PAUSES", PAUSES)
    return DeadSwr(request.param)


@pytest.fixture
def dead(harness: WorkerHarness, swr: DeadSwr) -> WorkerHarness:
    """Many lanes with one tag each, of a source that does not answer."""
    harness.swr = swr
    harness.config = config(pace=Pace(per_second=10_000, in_flight_per_target=IN_FLIGHT))
    for number in range(LANES):
        lane = replace(LANE, repository=f"r{number}")
        swr.put(f"v{number}", A, lane)
        pushed = replace(push(f"v{number}"), repository=lane.repository)
        write(harness.database, entry(pushed, at=harness.clock.time))
    return harness


def test_waiting_lanes_are_left_alone_and_only_probes_are_sent(
    dead: WorkerHarness, swr: DeadSwr
) -> None:
    with running(dead, threads=12):
        assert swr.wait_for(lambda: len(swr.asked) >= REQUESTS)

    asked = {tag for tag, _ in swr.asked}
    touched = {sync.tag for sync in all_syncs(dead.database) if sync.failing_since is not None}
    assert len(touched - asked) < IN_FLIGHT  # only those in flight when the breaker opened
    assert len(set(swr.began) - asked) < IN_FLIGHT
    times = [at for _, at in swr.asked[-PROBES + 1 :]]
    pauses = [later - earlier for earlier, later in zip(times, times[1:], strict=False)]
    assert min(pauses) >= PAUSES.base
