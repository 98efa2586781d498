"""A simulator, a ledger and a client, for the tests of unlike regions."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from swrhook.config.model import PasswordCredentials, Swr
from swrhook.ledger.kept_state import RefusedCredentials
from swrhook.ledger.tables import syncs
from swrhook.model import Lane, Sync
from swrhook.simulator import Fault, RunningSimulator
from swrhook.simulator.model import DEMO, SeedTag
from swrhook.swr.client import SwrClient
from swrhook.swr.http import Network
from swrhook.syncs.backoff import Verify
from tests.factories import LANE, NOW, everything, run_lane
from tests.worker.harness import WorkerHarness

SOURCE, TARGET = LANE.source_region, LANE.target.region
OVERRIDE = replace(LANE, override=True)
PASSWORD = PasswordCredentials(DEMO.name, DEMO.domain, DEMO.password)
DEADLINE = Verify().deadline


# How a region without ShowRepoTag may answer it.
WITHOUT_SHOW_TAG = {
    "plain": Fault(operation="tag", status=404, body="404 page not found"),
    "html": Fault(operation="tag", status=404),
    "empty": Fault(operation="tag", status=404, body=""),
    "gateway": Fault(operation="tag", error="APIGW.0101"),
    "swr": Fault(operation="tag", error="SVCSTG.SWR.4040083"),
    "405": Fault(operation="tag", status=405),
}
PLACES = {"source": [SOURCE], "target": [TARGET], "both": [SOURCE, TARGET]}


@dataclass
class World:
    """A simulator, a ledger and a client, all on one clock."""

    simulator: RunningSimulator
    harness: WorkerHarness
    swr: Swr

    def seed(self, *tags: str, region: str = SOURCE, index: bool = False) -> None:
        for tag in tags:
            seed = SeedTag(region, LANE.namespace, LANE.repository, tag, index=index)
            self.simulator.state.push(seed)

    def fault(self, *faults: Fault) -> None:
        self.simulator.state.faults.add(faults)

    def mend(self) -> None:
        self.simulator.state.faults.clear()

    def run(self, lane: Lane = LANE, until: timedelta = timedelta(days=30)) -> None:
        """Run the lane each time it is due, until nothing is due in this time from the start."""
        clock, database = self.harness.clock, self.harness.database
        with closing(self.client()) as client:
            runner = self.harness.runner
            runner = replace(runner, gateway=replace(runner.gateway, swr=client))
            due: datetime | None = clock.time
            while due is not None and due <= NOW + until:
                clock.time = max(clock.time, due)
                due = run_lane(database, runner, lane, clock.time)
        clock.time = max(clock.time, NOW + until) if due is not None else clock.time

    def client(self) -> SwrClient:
        clock = self.harness.clock
        refused = RefusedCredentials(self.harness.database, clock)
        return SwrClient(self.swr, Network(), refused, clock)

    def row(self, sync: Sync) -> dict[str, object]:
        rows = everything(self.harness.database, syncs)
        return next(row for row in rows if row["id"] == sync.id)

    def states(self, pushed: Sequence[Sync]) -> list[object]:
        return [self.row(sync)["state"] for sync in pushed]

    def calls(self, operation: str = "sync_images", region: str = SOURCE) -> list[int | None]:
        calls = self.simulator.state.calls(operation=operation, region=region)
        return [call.status for call in calls]
