"""The engine runs lanes that are ready, in a fair order and only where their regions have room."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from sqlalchemy import Connection

from swrhook.ledger.lane_queue import Occupancy
from swrhook.ledger.lane_session import LaneSession, SessionLimits
from swrhook.ledger.lanes import Flow
from swrhook.ledger.questions import QuestionSession


class Slot(Protocol):
    """Room for one run in both of its regions."""

    def release(self) -> None:
        """Give the room back."""
        ...


@dataclass(frozen=True, slots=True)
class CapacityLimit:
    """A limit of `region` leaves no room for a run.

    `retry_in` is the time after which there may be room although no run ends; None: only then.
    """

    region: str
    reason: str  # in_flight, in_flight_per_target, pace, paused, breaker
    retry_in: timedelta | None = None


SomeSlot = TypeVar("SomeSlot", bound=Slot)


class LaneWork(Protocol[SomeSlot]):
    """Does the work of lanes; called by the engine."""

    def reserve(self, flow: Flow, elsewhere: Occupancy) -> SomeSlot | CapacityLimit:
        """Return room for a run of a flow, beside what other processes run."""
        ...

    def limits(self) -> SessionLimits:
        """Return the limits of the next run."""
        ...

    def run(self, session: LaneSession, slot: SomeSlot) -> datetime | None:
        """Work on the session's syncs, release the lane, and return when it is due again."""
        ...

    def answer(self, question: QuestionSession, slot: SomeSlot) -> None:
        """Look at a place that somebody asks about, and keep what it holds."""
        ...

    def set_share(self, processes: int) -> None:
        """Divide the rates of requests by the number of processes that run lanes."""
        ...


class Engine(Protocol):
    """Runs each lane when it is due, and never twice at the same time, whatever the process."""

    def wake(self, connection: Connection) -> None:
        """Look for ready lanes once the connection's transaction has committed."""
        ...

    def start(self) -> None:
        """Start to run lanes, including those that an earlier process left unfinished."""
        ...

    def check(self) -> str | None:
        """Return why this process runs no lanes, or None."""
        ...

    def stop(self) -> None:
        """Finish the runs in flight, and start no more."""
        ...
