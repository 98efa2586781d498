"""While a region does not answer, its lanes wait untouched; afterwards they go on at once."""

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from swrhook.config.model import Pace
from swrhook.model import Lane, State
from swrhook.syncs.backoff import Backoff, Retry, Verify
from swrhook.worker import circuit_breaker
from swrhook.worker.circuit_breaker import FAILURES_TO_OPEN
from tests.factories import LANE, A, all_syncs, entry, push, write
from tests.worker.engine import PATIENCE, AwaitedOutcomes, running
from tests.worker.harness import FakeSwr, WorkerHarness, config, error

PAUSES = Backoff(timedelta(seconds=0.05), timedelta(seconds=0.1))
SHORT = Backoff(timedelta(seconds=0.01), timedelta(seconds=0.1))
IN_FLIGHT = 4
LANES = 40
PROBES = 8
# The last PROBES ones are probes: those before may have been in flight when the breaker opened.
REQUESTS = FAILURES_TO_OPEN + IN_FLIGHT - 1 + PROBES


class DeadSwr(FakeSwr):
    """Does not answer requests of one kind, until it is revived. A tag's name tells its lane."""

    def __init__(self, operation: str) -> None:
        super().__init__()
        self.operation = operation
        self.is_dead = True
        self.sent: list[tuple[str, str, float]] = []  # to the source: kind, tag, and when
        self._changed = threading.Condition()

    def show_tag(self, region: str, namespace: str, repository: str, tag: str) -> str | None:
        if region == LANE.source_region:
            self._answer("look_source", tag)
        return super().show_tag(region, namespace, repository, tag)

    def sync_images(self, lane: Lane, tags: Sequence[str]) -> None:
        self._answer("sync_images", tags[0])
        super().sync_images(lane, tags)

    def tags(self, operation: str) -> list[str]:
        return [tag for kind, tag, _ in self.sent if kind == operation]

    def times(self) -> list[float]:
        """Return when the requests came that are not answered."""
        return [at for kind, _, at in self.sent if kind == self.operation]

    def revive(self) -> int:
        """Answer everything from now on; return the number of requests until now."""
        with self._changed:
            self.is_dead = False
            return len(self.sent)

    def has_failed(self, times: int) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: len(self.times()) >= times, PATIENCE)

    def _answer(self, operation: str, tag: str) -> None:
        with self._changed:
            self.sent.append((operation, tag, time.monotonic()))
            self._changed.notify_all()
            if operation == self.operation and self.is_dead:
                raise error()
        time.sleep(0.01)  # as over a network: other threads look for lanes meanwhile


@pytest.fixture(params=["look_source", "sync_images"])
def swr(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> DeadSwr:
    monkeypatch.setattr(circuit_breaker, "PAUSES", PAUSES)
    return DeadSwr(request.param)


@pytest.fixture
def outcomes() -> AwaitedOutcomes:
    return AwaitedOutcomes()


@pytest.fixture
def dead(harness: WorkerHarness, swr: DeadSwr, outcomes: AwaitedOutcomes) -> WorkerHarness:
    """Many lanes with one tag each, of a source that does not answer."""
    harness.swr, harness.outcomes = swr, outcomes
    pace = Pace(per_second=10_000, in_flight_per_target=IN_FLIGHT)
    harness.config = config(pace=pace, retry=Retry(SHORT), verify=Verify(SHORT))
    for number in range(LANES):
        tag, lane = f"v{number}", replace(LANE, repository=f"r{number}")
        swr.put(tag, A, lane)
        pushed = replace(push(tag), repository=lane.repository)
        write(harness.database, entry(pushed, at=harness.clock.time))
    return harness


def test_waiting_lanes_are_left_alone_and_only_probes_are_sent(
    dead: WorkerHarness, swr: DeadSwr
) -> None:
    with running(dead, threads=12):
        assert swr.has_failed(REQUESTS)

    failed = set(swr.tags(swr.operation))
    touched = {sync.tag for sync in all_syncs(dead.database) if sync.failing_since is not None}
    # The breaker may open during a run, which then postpones its syncs. No later run begins
    # without being the probe: neither does it read the source, nor does it touch its syncs.
    assert len(touched - failed) < IN_FLIGHT
    assert len(set(swr.tags("look_source")) - failed) < IN_FLIGHT
    times = swr.times()[FAILURES_TO_OPEN + IN_FLIGHT - 1 :]
    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert min(pauses) >= PAUSES.base.total_seconds()


def test_the_lanes_go_on_when_the_region_answers_again(
    dead: WorkerHarness, swr: DeadSwr, outcomes: AwaitedOutcomes
) -> None:
    with running(dead, threads=12):
        assert swr.has_failed(REQUESTS)
        before = swr.revive()
        assert outcomes.wait_for(State.VERIFIED, LANES)

    after = [kind for kind, _, _ in swr.sent[before:]]
    # The probe's own run goes on with its call; meanwhile others may begin.
    assert after.index("sync_images") <= 2 * IN_FLIGHT
