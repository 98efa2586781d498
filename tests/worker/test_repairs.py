"""Several workers repair at once, and are killed in between: everything is done once."""

import threading
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from time import monotonic

import pytest

from swrhook.ledger.repair_tables import findings
from swrhook.ledger.repairs import LEASE
from swrhook.ledger.tables import syncs
from swrhook.syncs.auto_sync import AutoSync
from tests.factories import LANE, everything
from tests.worker.harness import FakeSwr, WorkerHarness
from tests.worker.repairs import RECONCILE, RepairSetup, digest

REPOSITORIES, TAGS = 12, 3
PATIENCE = 60.0  # seconds
MOST_STEPS = 100  # some are done again and again; the last ones find nothing to do
AFTER_LEASE = LEASE + timedelta(seconds=1)


class Killed(BaseException):
    """The process was killed: it releases nothing."""


@dataclass
class Chance:
    """What happens while a worker waits for SWR, or is about to commit; counted by name."""

    repairs: RepairSetup
    random: Random
    happened: Counter[str] = field(default_factory=Counter)
    is_nested: bool = False

    def on_page(self) -> None:
        if not self.is_nested:
            getattr(self, self._choose("go_on", "go_on", "kill", "meet_another", "be_late"))()

    def on_commit(self) -> None:
        getattr(self, self._choose("go_on", "kill"))()

    def _choose(self, *names: str) -> str:
        name = self.random.choice(names)
        self.happened[name] += 1
        return name

    def go_on(self) -> None:
        pass

    def kill(self) -> None:
        raise Killed

    def meet_another(self) -> None:
        """Another worker finds the step claimed."""
        before = self.repairs.reconciles()
        self._step()
        assert self.repairs.reconciles() == before

    def be_late(self) -> None:
        """The claim expires, and another worker does the step meanwhile."""
        self.repairs.harness.clock.advance(AFTER_LEASE.total_seconds())
        self._step()

    def _step(self) -> None:
        self.is_nested = True
        self.repairs.worker.step()
        self.is_nested = False


class LateSwr(FakeSwr):
    """Also lets something happen at the last request of a step, after which no claim is renewed."""

    def auto_syncs(self, region: str, namespace: str, repository: str) -> list[AutoSync]:
        self.before_page()
        return super().auto_syncs(region, namespace, repository)


@pytest.fixture
def repairs(harness: WorkerHarness) -> RepairSetup:
    harness.swr = LateSwr()
    repairs = RepairSetup(harness)
    for number in range(REPOSITORIES):
        for tag in range(TAGS):
            harness.swr.put(f"v{tag}", digest(tag), replace(LANE, repository=f"app{number}"))
    return repairs


def assert_done_once(repairs: RepairSetup, repair: str) -> None:
    shown = repairs.show(repair, RECONCILE)
    assert (shown.state, shown.done, shown.notes) == ("done", REPOSITORIES, [])
    for table in (findings, syncs):
        tags = Counter(row["route"] for row in everything(repairs.database, table))
        assert (len(tags), {*tags.values()}) == (REPOSITORIES * TAGS, {1})
    repairs.sync()
    assert repairs.show(repair, RECONCILE).results == {"verified": REPOSITORIES * TAGS}


@pytest.mark.parametrize("seed", range(5))
def test_what_a_killed_or_late_worker_began_is_done_once_by_others(
    repairs: RepairSetup, seed: int
) -> None:
    chance = Chance(repairs, Random(seed))
    repair = repairs.begin(RECONCILE, None)
    repairs.harness.swr.before_page = chance.on_page
    repairs.before_wake = chance.on_commit
    for _ in range(MOST_STEPS):
        try:
            repairs.worker.step()
        except Killed:
            assert not repairs.worker.step()  # until the claim expires
            repairs.harness.clock.advance(AFTER_LEASE.total_seconds())

    assert chance.happened.keys() == {"go_on", "kill", "meet_another", "be_late"}
    assert_done_once(repairs, repair)


def test_workers_at_the_same_time_share_the_steps(repairs: RepairSetup) -> None:
    repair = repairs.begin(RECONCILE, None)
    start = threading.Barrier(3)
    deadline = monotonic() + PATIENCE
    errors: list[Exception] = []

    def work() -> None:
        worker = repairs.worker
        start.wait()
        try:
            while repairs.show(repair, RECONCILE).state != "done" and monotonic() < deadline:
                worker.step()
        except Exception as exc:  # noqa: BLE001  # told below, in the test's own thread
            errors.append(exc)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert_done_once(repairs, repair)
    assert len(repairs.harness.swr.pages) == 2 * REPOSITORIES  # no page was read twice
