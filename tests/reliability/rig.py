"""The service's own parts against the simulator, all on one clock that is set forward."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import delete

from swrhook.config.model import PasswordCredentials, Region, Swr, Timeouts
from swrhook.ledger.columns import metadata
from swrhook.ledger.database import Database, open_database
from swrhook.ledger.kept_state import RefusedCredentials
from swrhook.ledger.tables import syncs
from swrhook.simulator import Fault, RunningSimulator, start
from swrhook.simulator.model import DEMO, IAM
from swrhook.swr.client import SwrClient
from swrhook.swr.http import Network
from swrhook.syncs.backoff import Backoff, Retry, Verify
from swrhook.worker.lane_runner import LaneRunner
from tests.factories import LANE, MINUTE, NOW, SECOND, FakeClock, everything, run_lane
from tests.reliability.faults import FAULT_NAME, SOURCE, TARGET
from tests.worker.harness import WorkerHarness, config

# One of these deadlines ends a sync under a permanent fault.
RETRY = Retry(Backoff(MINUTE, 20 * MINUTE), deadline=45 * MINUTE)
VERIFY = Verify(
    Backoff(4 * SECOND, 10 * MINUTE),
    deadline=10 * MINUTE,
    job_deadline=30 * MINUTE,
    retriggers=2,
)
SOURCE_DEADLINE = 5 * MINUTE
_LIMITS = {"retry": RETRY, "verify": VERIFY, "source_deadline": SOURCE_DEADLINE}
# Seconds until a request that hangs is given up.
_READ_TIMEOUT = 1.0
_MOST_RUNS = 1000


@dataclass(frozen=True, slots=True)
class Result:
    """The states of the syncs, the texts that the operator sees, and counts of requests."""

    states: Counter[str]
    reason: str | None
    remedy: str | None
    took: timedelta
    calls: int
    reads: int
    logins: int
    hits: int


class Rig:
    """A simulator, a ledger and a clock; each run starts with an empty ledger."""

    def __init__(self, simulator: RunningSimulator, database: Database, clock: FakeClock) -> None:
        self._simulator = simulator
        self._database = database
        self._clock = clock

    def run(
        self, faults: Sequence[Fault], tags: Sequence[str], *, has_organization: bool
    ) -> Result:
        """Push the tags under these faults, and run the lane until all syncs have ended."""
        state = self._simulator.state
        self._clock.time = NOW
        state.reset()
        with self._database.write() as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(delete(table))
        for tag in tags:
            state.seed(SOURCE, LANE.namespace, LANE.repository, tag)
        if has_organization:
            state.create_organization(TARGET, LANE.target.namespace)
        state.faults.add(faults)
        hangs = any(fault.connection == "hang" for fault in faults)
        harness = WorkerHarness(self._database, clock=self._clock, config=config(**_LIMITS))
        harness.push(*tags)
        with self._client(hangs=hangs) as client:
            self._run_lane(
                replace(harness.runner, gateway=replace(harness.runner.gateway, swr=client))
            )
        return self._result()

    def _run_lane(self, runner: LaneRunner) -> None:
        due: datetime | None = NOW
        for _ in range(_MOST_RUNS):
            if due is None:
                return
            self._clock.time = max(self._clock.time, due)
            due = run_lane(self._database, runner, LANE, self._clock.time)
        raise AssertionError("the lane is due again and again")

    def _result(self) -> Result:
        rows = everything(self._database, syncs)
        worst = min(rows, key=lambda row: row["state"] == "verified")
        calls = self._simulator.state.calls()
        requests = [(call.region, call.operation) for call in calls]
        reason = worst["reason"]
        remedy = worst["error_remedy"]
        return Result(
            states=Counter(str(row["state"]) for row in rows),
            reason=None if reason is None else self._repeatable(str(reason)),
            remedy=None if not remedy else str(remedy),
            took=self._clock.time - NOW,
            calls=requests.count((SOURCE, "sync_images")),
            reads=sum(
                requests.count((region, operation))
                for region in (SOURCE, TARGET)
                for operation in ("tag", "tags")
            ),
            logins=requests.count((IAM, "tokens")),
            hits=sum(FAULT_NAME in call.faults for call in calls),
        )

    def _repeatable(self, text: str) -> str:
        """Replace addresses and request ids, which differ between runs."""
        urls = {**self._simulator.endpoints, IAM: self._simulator.iam_url}
        for name, url in urls.items():
            text = text.replace(url.removeprefix("http://"), name)
        return re.sub(r" \(request \w+\)", "", text)

    @contextmanager
    def _client(self, *, hangs: bool) -> Iterator[SwrClient]:
        regions = {name: Region(name, url, name) for name, url in self._simulator.endpoints.items()}
        credentials = PasswordCredentials(DEMO.name, DEMO.domain, DEMO.password)
        swr = Swr(self._simulator.iam_url, credentials, regions)
        network = Network(Timeouts(read=_READ_TIMEOUT if hangs else Timeouts().read))
        refused = RefusedCredentials(self._database, self._clock)
        with closing(SwrClient(swr, network, refused, self._clock)) as client:
            yield client


@contextmanager
def rig(folder: Path) -> Iterator[Rig]:
    """Run a simulator whose jobs take a second of the rig's own clock."""
    clock = FakeClock()
    regions = [SOURCE, TARGET]
    with (
        closing(open_database(f"sqlite:///{folder}/ledger.db")) as database,
        start(regions, delay=1, organizations=(), clock=clock) as simulator,
    ):
        yield Rig(simulator, database, clock)
