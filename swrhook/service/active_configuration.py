"""The configuration in use and what was made from it, replaced together by a reload."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from swrhook.clock import Clock
from swrhook.config.model import Config
from swrhook.engine import CapacityLimit
from swrhook.ledger.database import Database
from swrhook.ledger.lane_queue import Occupancy
from swrhook.ledger.lane_session import LaneSession, SessionLimits
from swrhook.ledger.lanes import Flow
from swrhook.ledger.ports import LaneScheduler
from swrhook.ledger.questions import QuestionSession
from swrhook.ledger.syncs import release_regions
from swrhook.service.hot_swap import HotSwap
from swrhook.swr.client import SwrClient
from swrhook.worker.admission import Slot
from swrhook.worker.gateway import Endpoint, SwrGateway
from swrhook.worker.lane_runner import LaneRunner
from swrhook.worker.place_looker import PlaceLooker


@dataclass(frozen=True, slots=True)
class Active:
    """A configuration and what was made from it: a lane run uses one of them to its end."""

    config: Config
    swr: SwrClient
    gateway: SwrGateway
    runner: LaneRunner
    looker: PlaceLooker


class ActiveFactory(Protocol):
    """Makes what a configuration needs to be used."""

    def make_active(self, config: Config, before: Active | None) -> Active:
        """Return it; `before` is what is in use now, None at the start."""
        ...


class ActiveConfiguration:
    """The configuration in use: ConfigSource, ConfigSubscriber, and the engine's LaneWork."""

    def __init__(self, factory: ActiveFactory, config: Config) -> None:
        self._factory = factory
        self._swap = HotSwap(factory.make_active(config, None), self._close)
        self.lease = self._swap.lease

    @property
    def active(self) -> Active:
        """Return what is in use now."""
        return self._swap.value

    def current(self) -> Config:
        """Return the configuration in use now."""
        return self.active.config

    def reserve(self, flow: Flow, elsewhere: Occupancy) -> Slot | CapacityLimit:
        """Return room for a run of a flow, beside what other processes run."""
        return self.active.gateway.reserve(flow, elsewhere)

    def limits(self) -> SessionLimits:
        """Return the limits of the next run."""
        return self.active.runner.limits()

    def run(self, session: LaneSession, slot: Slot) -> datetime | None:
        """Run a lane; a reload does not close what it uses before the run ends."""
        with self.lease() as active:
            return active.runner.run(session, slot)

    def answer(self, question: QuestionSession, slot: Slot) -> None:
        """Answer a question; a reload does not close what it uses meanwhile."""
        with self.lease() as active:
            active.looker.answer(question, slot)

    def set_share(self, processes: int) -> None:
        """Divide the rates of requests by the number of processes that run lanes."""
        self.active.gateway.admission.rate_limiter.set_share(processes)

    def use(self, config: Config) -> None:
        """Put a new configuration in use."""
        self._swap.swap(self._factory.make_active(config, self.active))

    def endpoints(self) -> Sequence[Endpoint]:
        """Return the limits of every configured region."""
        return self.active.gateway.endpoints()

    def _close(self, old: Active) -> None:
        # A reload that changes neither regions nor credentials keeps the client.
        if old.swr is not self.active.swr:
            old.swr.close()


@dataclass(frozen=True, slots=True)
class HeldLanes:
    """The lanes that are held because their region is not configured; a HeldWork."""

    database: Database
    scheduler: LaneScheduler
    clock: Clock

    def resume(self, before: Config, after: Config) -> None:
        """Wake the lanes of the regions that were added, instead of at their next poll."""
        added = after.swr.regions.keys() - before.swr.regions.keys()
        if not added:
            return
        with self.database.write() as connection:
            release_regions(connection, added, self.clock.now())
            self.scheduler.wake(connection)
