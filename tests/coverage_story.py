"""The story of a whole registry: what nobody announced, what vanished, and a new region.

It runs against the simulator, with the workers in this process. The suite has a small form of it,
`python -m bench.coverage` the whole: 2,000 repositories with 100,000 tags.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import product
from math import ceil

from swrhook.config import Config
from swrhook.ledger.database import Database
from swrhook.ledger.lanes import schedule_lanes
from swrhook.ledger.queries.repairs import ListedRepair
from swrhook.ledger.tables import lanes
from swrhook.model import Lane, Target, Urgency
from swrhook.service.coverage_watch import CoverageWatch
from swrhook.simulator import RunningSimulator, start
from swrhook.simulator.model import SeedTag
from swrhook.simulator.retention_rule import RetentionRule
from swrhook.swr.protocol import PAGE_SIZE
from swrhook.syncs.coverage import CoverageKey
from swrhook.syncs.reconciliation import ACTIVE_STAGES
from tests.factories import FakeClock
from tests.swr.clients import simulated
from tests.worker.coverage import shown
from tests.worker.harness import WorkerHarness
from tests.worker.repairs import RECONCILE, RepairSetup

SOURCE, EAST, HONG_KONG = "cn-north-4", "cn-east-3", "ap-southeast-1"
_LISTS = ("tags", "repos", "namespaces")


@dataclass(frozen=True)
class Scene:
    """How many repositories there are, how many of them were never announced, and their tags."""

    repositories: int
    unannounced: int
    tags: int


@dataclass
class Story:
    """A registry of three regions in the simulator, and a repair worker on a ledger."""

    database: Database
    scene: Scene
    simulator: RunningSimulator
    clock: FakeClock
    repairs: RepairSetup = field(init=False)

    def __post_init__(self) -> None:
        harness = WorkerHarness(self.database, clock=self.clock)
        harness.swr = simulated(self.simulator, self.clock)  # type: ignore[assignment]
        self.repairs = RepairSetup(harness)
        self.watch = CoverageWatch(self.database, self, self.clock)
        self.use_targets(EAST)

    def current(self) -> Config:
        """Return the configuration in use."""
        return self.repairs.config

    def use_targets(self, *regions: str) -> None:
        """Let the only rule copy to these regions."""
        targets = [f"{{region: {region}, namespace: team, override: true}}" for region in regions]
        self.repairs.use_rules("namespace: team", ", ".join(targets))
        config = replace(self.repairs.config, version="-".join(regions))
        self.repairs.harness.config = config
        self.watch.poll()

    @property
    def names(self) -> list[str]:
        """Return the repositories; the last ones were never announced."""
        return [f"app{number:05}" for number in range(self.scene.repositories)]

    def seed(self) -> None:
        """Push all tags, and copy and record those that were announced."""
        known = self.scene.repositories - self.scene.unannounced
        state = self.simulator.state
        for number, name in enumerate(self.names):
            for tag in range(self.scene.tags):
                pushed = state.seed(SOURCE, "team", name, f"v{tag}")
                if number < known:
                    state.seed(EAST, "team", name, f"v{tag}", pushed.digest)
        state.create_organization(HONG_KONG, "team")
        with self.database.write() as connection:
            for name in self.names[:known]:
                lane = Lane(SOURCE, "team", name, Target(EAST, "team"), override=True)
                schedule_lanes(connection, {lane: "ci"}, Urgency.FRESH, self.clock.time)
            connection.execute(lanes.update().values(ready=False, due_at=None))

    def meddle(self) -> None:
        """Delete and move tags at the target, and let a rule of retention delete others."""
        state = self.simulator.state
        self.clock.advance(hours=1)
        for name in self.names[:4]:
            tag = state.store(EAST).tag("team", name, "v0")
            assert tag is not None
            state.remove(EAST, tag)
        for name in self.names[2:6]:
            state.push(SeedTag(EAST, "team", name, "v1"))
        state.retention.rules = [RetentionRule(EAST, "team", self.names[6], keep=1)]
        self.clock.advance(2)
        state.digest(EAST, "team", self.names[6], "v0")  # it applies when the region is read
        state.retention.rules = []

    def reconcile(self) -> ListedRepair:
        """Compare everything, and record what is to be synced."""
        self.clock.advance(hours=1)
        self.simulator.state.call_log.clear()
        repair = self.repairs.begin(RECONCILE, None)
        self.repairs.work(self._most_steps)
        return self.repairs.show(repair, RECONCILE)

    def repair(self) -> None:
        """Record and run syncs, so many at a time as may be open, until no repair has any left."""
        while True:
            self.repairs.work(self._most_steps)
            self.repairs.sync()
            repairs = [*self.repairs.backfills(), *self.repairs.reconciles()]
            if not any(repair.state in ACTIVE_STAGES for repair in repairs):
                return
            self.clock.advance(2)  # a repair that has to wait looks again after a second

    @property
    def _most_steps(self) -> int:
        return 10 * self.scene.repositories + 100

    def list_calls(self) -> int:
        """Return how many requests have listed something since the last round began."""
        calls = self.simulator.state.calls()
        return sum(call.operation in _LISTS for call in calls)

    @property
    def pages(self) -> int:
        """Return how many pages of tags one comparison with one region must read."""
        return 2 * self.scene.repositories * ceil(self.scene.tags / PAGE_SIZE)

    def truth(self, region: str) -> tuple[int, int]:
        """Return how many tags are wanted in a region, and how many are there as they should."""
        state = self.simulator.state
        source, target = state.store(SOURCE), state.store(region)
        wanted = present = 0
        for name, tag in product(self.names, range(self.scene.tags)):
            original = source.tag("team", name, f"v{tag}")
            copy = target.tag("team", name, f"v{tag}")
            wanted += original is not None
            present += None not in (original, copy) and original.digest == copy.digest  # type: ignore[union-attr]
        return wanted, present

    def coverage(self, region: str) -> tuple[int, int, int]:
        """Return how many tags are wanted, present and on their way; nothing else may be there."""
        row = shown(self.database, self.repairs.config)[CoverageKey("all", region)]
        assert (row.missing, row.changed, row.unknown) == (0, 0, 0)
        assert row.oldest_observation is not None
        assert self.clock.time - row.oldest_observation < timedelta(hours=2)
        return row.wanted, row.present, row.on_the_way


@contextmanager
def story(database: Database, scene: Scene) -> Iterator[Story]:
    """Make the registry."""
    clock = FakeClock()
    with start([SOURCE, EAST, HONG_KONG], delay=0, clock=clock, organizations=["team"]) as running:
        made = Story(database, scene, running, clock)
        made.seed()
        yield made


def tell(made: Story) -> None:
    """Play the story, and compare every number with the simulator's truth."""
    made.meddle()
    wanted, present = made.truth(EAST)
    round_ = made.reconcile()
    assert round_.notes == []
    assert round_.done == made.scene.repositories
    assert made.list_calls() <= 1.2 * made.pages
    assert made.coverage(EAST) == (wanted, present, wanted - present)
    assert round_.plan.missing + round_.plan.diverged == wanted - present

    made.repair()
    assert made.truth(EAST) == (wanted, wanted)
    assert made.coverage(EAST) == (wanted, wanted, 0)

    made.use_targets(EAST, HONG_KONG)
    made.repair()
    (proposal,) = made.repairs.backfills()
    assert (proposal.state, proposal.plan.to_sync) == ("planned", wanted)
    made.repairs.operator.start_repair(proposal.id)
    made.repair()
    assert made.truth(HONG_KONG) == (wanted, wanted)
    assert made.coverage(HONG_KONG) == (wanted, wanted, 0)
    assert made.coverage(EAST) == (wanted, wanted, 0)
