"""The service's own parts against the simulator, all on one clock that runs ahead at will."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import delete

from swrhook.config.model import PasswordCredentials, Region, Swr, Timeouts
from swrhook.ledger.database import Database, open_database
from swrhook.ledger.kept_state import RefusedCredentials
from swrhook.ledger.tables import metadata, syncs
from swrhook.simulator import Fault, RunningSimulator, start
from swrhook.simulator.model import DEMO, IAM
from swrhook.swr.client import SwrClient
from swrhook.swr.http import Network
from swrhook.syncs.backoff import Backoff, Retry, Verify
from swrhook.worker.lane_runner import LaneRunner
from tests.factories import FakeClock
from tests.ledger.parts import LANE, MINUTE, NOW, SECOND, everything
from tests.reliability.faults import SOURCE, STRIKES, TARGET
from tests.worker.parts import Works, config

# Nothing outlasts these: what goes wrong for good ends by one of them.
RETRY = Retry(Backoff(MINUTE, 20 * MINUTE), deadline=45 * MINUTE)
VERIFY = Verify(Backoff(4 * SECOND, 10 * MINUTE), deadline=10 * MINUTE, retriggers=2)
SOURCE_DEADLINE = 5 * MINUTE
_LIMITS = {"retry": RETRY, "verify": VERIFY, "source_deadline": SOURCE_DEADLINE}
# Seconds in which an answer comes that is going to come.
_PATIENCE = 1.0
_MOST_RUNS = 1000


@dataclass(frozen=True, slots=True)
class Ending:
    """What became of the syncs, what the operator reads, and what was asked until then."""

    states: Counter[str]
    reason: str | None
    remedy: str | None
    took: timedelta
    calls: int
    looks: int
    logins: int
    strikes: int


class Rig:
    """A simulator, a ledger and a clock; each run begins with nothing in them."""

    def __init__(self, simulator: RunningSimulator, database: Database, clock: FakeClock) -> None:
        self._simulator = simulator
        self._database = database
        self._clock = clock

    def run(self, faults: Sequence[Fault], tags: Sequence[str], *, organized: bool) -> Ending:
        """Push the tags into a world with these faults, and work until all is said and done."""
        state = self._simulator.state
        self._clock.time = NOW
        state.reset()
        with self._database.write() as connection:
            for kept in reversed(metadata.sorted_tables):
                connection.execute(delete(kept))
        for tag in tags:
            state.seed(SOURCE, LANE.namespace, LANE.repository, tag)
        if organized:
            state.create_organization(TARGET, LANE.target.namespace)
        state.faults.add(faults)
        hangs = any(fault.connection == "hang" for fault in faults)
        works = Works(self._database, clock=self._clock, config=config(**_LIMITS))
        works.push(*tags)
        with self._client(hangs=hangs) as client:
            self._work(replace(works.runner, traffic=replace(works.runner.traffic, swr=client)))
        return self._ending()

    def _work(self, runner: LaneRunner) -> None:
        again: datetime | None = NOW
        for _ in range(_MOST_RUNS):
            if again is None:
                return
            self._clock.time = max(self._clock.time, again)
            again = runner.run(LANE, self._clock.time)
        raise AssertionError("the lane never rests")

    def _ending(self) -> Ending:
        rows = everything(self._database, syncs)
        worst = min(rows, key=lambda row: row["state"] == "verified")
        made = [(call.region, call.operation) for call in self._simulator.state.calls()]
        struck = [call for call in self._simulator.state.calls() if STRIKES in call.faults]
        reason = worst["reason"]
        remedy = worst["error_remedy"]
        return Ending(
            states=Counter(str(row["state"]) for row in rows),
            reason=None if reason is None else self._repeatable(str(reason)),
            remedy=None if not remedy else str(remedy),
            took=self._clock.time - NOW,
            calls=made.count((SOURCE, "sync_images")),
            looks=sum(made.count((region, "tag")) for region in (SOURCE, TARGET))
            + sum(made.count((region, "tags")) for region in (SOURCE, TARGET)),
            logins=made.count((IAM, "tokens")),
            strikes=len(struck),
        )

    def _repeatable(self, text: str) -> str:
        named = {**self._simulator.endpoints, IAM: self._simulator.iam_url}
        for name, url in named.items():
            text = text.replace(url.removeprefix("http://"), name)
        return re.sub(r" \(request \w+\)", "", text)

    @contextmanager
    def _client(self, *, hangs: bool) -> Iterator[SwrClient]:
        regions = {name: Region(name, url, name) for name, url in self._simulator.endpoints.items()}
        credentials = PasswordCredentials(DEMO.name, DEMO.domain, DEMO.password)
        swr = Swr(self._simulator.iam_url, credentials, regions)
        network = Network(Timeouts(read=_PATIENCE if hangs else Timeouts().read))
        refused = RefusedCredentials(self._database, self._clock)
        with closing(SwrClient(swr, network, refused, self._clock)) as client:
            yield client


@contextmanager
def rig(folder: Path) -> Iterator[Rig]:
    """Start a simulator whose copies take a second of the rig's own clock."""
    clock = FakeClock()
    regions = [SOURCE, TARGET]
    with (
        closing(open_database(f"sqlite:///{folder}/ledger.db")) as database,
        start(regions, delay=1, organizations=(), clock=clock.now) as simulator,
    ):
        yield Rig(simulator, database, clock)
