"""However much another sender has waiting, a lone push is next, with the real engine."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from swrhook.config.model import Pace
from swrhook.ledger.deliveries import record
from swrhook.model import Lane, State
from swrhook.syncs.backoff import Backoff, Verify
from tests.factories import LANE, A, entry, push, write
from tests.worker.engine import PATIENCE, AwaitedOutcomes, running
from tests.worker.harness import FakeSwr, WorkerHarness, config

SHORT = Backoff(timedelta(seconds=0.01), timedelta(seconds=0.01))
IN_FLIGHT = 4
# Each run in flight when the push is recorded, and one that is just taken, has at most two reads
# left, and so has the push.
AHEAD = 2 * (IN_FLIGHT + 1) + 2
LONE = replace(LANE, repository="lone")


class LoggedSwr(FakeSwr):
    """Keeps the order of the requests: the repository of each read, "called" for a call."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []
        self._changed = threading.Condition()

    def show_tag(self, region: str, namespace: str, repository: str, tag: str) -> str | None:
        self._log(repository)
        return super().show_tag(region, namespace, repository, tag)

    def sync_images(self, lane: Lane, tags: Sequence[str]) -> None:
        self._log("called")
        super().sync_images(lane, tags)

    def have_been(self, requests: int) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: len(self.sent) >= requests, PATIENCE)

    def _log(self, name: str) -> None:
        with self._changed:
            self.sent.append(name)
            self._changed.notify_all()


@pytest.mark.parametrize(
    ("tags", "requests"),
    [
        pytest.param(2000, 100, id="most have not been looked for"),
        pytest.param(50, 500, id="they are looked for again and again"),
    ],
)
def test_tags_that_are_missing_at_the_source_do_not_delay_another_sender(
    harness: WorkerHarness, tags: int, requests: int
) -> None:
    swr, outcomes = LoggedSwr(), AwaitedOutcomes()
    harness.swr, harness.outcomes = swr, outcomes
    pace = Pace(per_second=10_000, in_flight_per_target=IN_FLIGHT)
    harness.config = config(pace=pace, verify=Verify(SHORT))
    missing = [replace(push(), repository=f"r{number}") for number in range(tags)]
    write(harness.database, entry(*missing, at=harness.clock.time))
    swr.put("v1", A, LONE)
    lone = replace(push(), sender="registry", repository=LONE.repository)  # after "harbor"

    with running(harness, threads=12) as engine:
        assert swr.have_been(requests)
        with harness.database.write() as connection:
            record(connection, [entry(lone, at=harness.clock.time)])
            engine.wake(connection)
        before = len(swr.sent)
        assert outcomes.wait_for(State.TRIGGERED)

    assert swr.sent.index("called") - before <= AHEAD
