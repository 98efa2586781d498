"""Runs the lanes of a harness with the real engine and the real clock."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from swrhook.clock import SystemClock
from swrhook.engine import CapacityLimit
from swrhook.engine.lanes import Intervals, LaneEngine
from swrhook.ledger.lane_queue import Occupancy
from swrhook.ledger.lane_session import LaneSession, SessionLimits
from swrhook.ledger.lanes import Flow
from swrhook.ledger.questions import QuestionSession
from swrhook.model import State, Sync
from swrhook.syncs.decisions import Decision
from swrhook.worker.admission import Slot
from swrhook.worker.lane_runner import LaneRunner
from swrhook.worker.place_looker import PlaceLooker
from tests.factories import FakeOutcomes
from tests.worker.harness import WorkerHarness

PATIENCE = 60.0


@dataclass
class AwaitedOutcomes(FakeOutcomes):
    """Outcomes that a test waits for."""

    changed: threading.Condition = field(default_factory=threading.Condition)

    def sync(self, sync: Sync, state: State, decision: Decision, now: datetime) -> None:
        with self.changed:
            super().sync(sync, state, decision, now)
            self.changed.notify_all()

    def wait_for(self, state: State, times: int = 1) -> bool:
        """Wait until so many syncs have reached a state; return False if that takes too long."""

        def have_reached() -> bool:
            return [reached for _, reached, _ in self.synced].count(state) >= times

        with self.changed:
            return self.changed.wait_for(have_reached, PATIENCE)


@dataclass(frozen=True)
class RunnerWork:
    """The engine's LaneWork with one runner."""

    runner: LaneRunner

    def reserve(self, flow: Flow, elsewhere: Occupancy) -> Slot | CapacityLimit:
        return self.runner.gateway.reserve(flow, elsewhere)

    def limits(self) -> SessionLimits:
        return self.runner.limits()

    def run(self, session: LaneSession, slot: Slot) -> datetime | None:
        return self.runner.run(session, slot)

    def answer(self, question: QuestionSession, slot: Slot) -> None:
        runner = self.runner
        PlaceLooker(runner.gateway, runner.clock).answer(question, slot)

    def set_share(self, processes: int) -> None:
        self.runner.gateway.admission.rate_limiter.set_share(processes)


@contextmanager
def running(
    harness: WorkerHarness, threads: int, intervals: Intervals | None = None
) -> Iterator[LaneEngine[Slot]]:
    """Run an engine; it looks for lanes at the start, when woken, and when a lane is due."""
    clock = SystemClock()
    gateway = replace(harness.runner.gateway, clock=clock, sleep=time.sleep)
    runner = replace(harness.runner, clock=clock, gateway=gateway)
    engine = LaneEngine(
        harness.database,
        RunnerWork(runner),
        threads,
        clock,
        intervals=intervals or Intervals(poll=3600),
    )
    engine.start()
    try:
        yield engine
    finally:
        engine.stop()
