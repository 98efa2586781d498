"""Takes the next lane out of the ledger's queue: one transaction for each."""

import time
from collections.abc import Set as AbstractSet
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from typing import Generic

from sqlalchemy import Connection

from swrhook.clock import Clock
from swrhook.engine import CapacityLimit, LaneWork, SomeSlot
from swrhook.engine.fair_queue import FairQueue, Questions
from swrhook.engine.look_times import Outlook
from swrhook.ledger.clock_steps import ClockSteps
from swrhook.ledger.database import Database, after_commit
from swrhook.ledger.lane_queue import (
    Occupancy,
    lock_queue,
    make_due_ready,
    read_occupancy,
    read_waiting,
    take_lane,
)
from swrhook.ledger.lane_session import LaneSession, open_session, without_paused
from swrhook.ledger.lanes import Flow
from swrhook.ledger.pauses import advance_pauses
from swrhook.ledger.questions import (
    QuestionSession,
    sweep_questions,
    take_question,
)
from swrhook.ledger.types import new_id
from swrhook.ledger.workers import Heartbeat, announce, beat, leave
from swrhook.model import Urgency
from swrhook.syncs.pauses import NO_PAUSES

# The lanes that were to be taken are locked for a moment by transactions that record syncs.
_SOON = timedelta(seconds=0.02)
_BETWEEN_SWEEPS = 1.0  # of the questions, in seconds


@dataclass(frozen=True, slots=True)
class Taken(Generic[SomeSlot]):
    """A lane or question that was taken and the room for it, if any, and what to do next."""

    outlook: Outlook
    session: LaneSession | QuestionSession | None = None
    slot: SomeSlot | None = None


@dataclass(frozen=True, slots=True)
class _Candidate(Generic[SomeSlot]):
    """Room for a lane of a flow, or a question; or none, and when there may be some."""

    flow: Flow | Questions | None
    slot: SomeSlot | None
    outlook: Outlook


class LaneTaker(Generic[SomeSlot]):
    """Takes lanes for this process; one thread at a time calls `take`."""

    def __init__(
        self,
        database: Database,
        work: LaneWork[SomeSlot],
        clock: Clock,
        *,
        threads: int,
        dead_after: float,
    ) -> None:
        """`dead_after`: without a heartbeat for so many seconds, a process loses its lanes."""
        self._database = database
        self._lane_work = work
        self._clock = clock
        self._threads = threads
        self._dead_after = dead_after
        self._name = new_id()
        self._queue = FairQueue()
        self._clock_steps = ClockSteps() if database.is_sqlite else None
        self._beaten_at = -inf  # by the monotonic clock
        self._swept_at = -inf
        self._pauses = NO_PAUSES  # as the last look has read them

    def take(self) -> Taken[SomeSlot]:
        """Take the next lane whose regions have room."""
        with ExitStack() as undo:
            # What was taken need not survive a crash of the machine: it is ready again then.
            with self._database.write(durable=False) as connection:
                result = self._take(connection, undo)
            undo.pop_all()  # from now on, the run gives the room back
        return result

    def beat(self) -> Heartbeat:
        """Report that this process is alive, and free the lanes of processes that are not."""
        patience = timedelta(seconds=self._dead_after)
        with self._database.write() as connection:
            now = self._clock.now()
            heartbeat = beat(connection, self._name, self._threads, now, patience)
        self._note_beat()
        return heartbeat

    def leave(self, connection: Connection) -> None:
        """Report that this process takes no more lanes."""
        leave(connection, self._name)

    def _take(self, connection: Connection, undo: ExitStack) -> Taken[SomeSlot]:
        lock_queue(connection)
        now = self._clock.now()
        self._prepare(connection, now)
        pauses = self._pauses = advance_pauses(connection, now)
        times = [make_due_ready(connection, now), now if pauses.is_releasing else None]
        times += [pause.until for pause in pauses.now.values()]
        due_in = _first(*(None if time is None else time - now for time in times))
        elsewhere = self._occupancy(connection)
        locked: set[Flow | Questions] = set()
        while True:
            candidate = self._find_candidate(connection, elsewhere, locked)
            if candidate.flow is None or candidate.slot is None:
                look_in = _first(due_in, candidate.outlook.look_in, _SOON if locked else None)
                return Taken(Outlook(look_in, candidate.outlook.is_blocked))
            undo.callback(candidate.slot.release)
            session = self._take_from(connection, candidate.flow, now)
            if session is not None:
                break
            undo.close()  # other transactions have locked the flow's lanes
            locked.add(candidate.flow)
        # Is there room for another lane? If so, another thread takes it at once.
        further = self._find_candidate(connection, elsewhere)
        if further.slot is not None:
            further.slot.release()
            return Taken(Outlook(timedelta()), session, candidate.slot)
        look_in = _first(due_in, further.outlook.look_in)
        return Taken(Outlook(look_in, further.outlook.is_blocked), session, candidate.slot)

    def _prepare(self, connection: Connection, now: datetime) -> None:
        """Correct due times if the clock was set back; or note that this process is alive.

        A process whose heartbeat is late, or has not begun, would lose the lane that it takes.
        """
        if self._clock_steps is not None:
            self._clock_steps.check(connection, now)
        elif time.monotonic() - self._beaten_at > self._dead_after / 2:
            announce(connection, self._name, self._threads, now)
            after_commit(connection, self._note_beat)
        if time.monotonic() - self._swept_at > _BETWEEN_SWEEPS:
            self._swept_at = time.monotonic()
            sweep_questions(connection, now)

    def _note_beat(self) -> None:
        self._beaten_at = time.monotonic()

    def _find_candidate(
        self,
        connection: Connection,
        elsewhere: Occupancy,
        locked: AbstractSet[Flow | Questions] = frozenset(),
    ) -> _Candidate[SomeSlot]:
        """Return room for the first that has some, in the order of their turns."""
        look_in, is_blocked = None, False
        flows, regions = read_waiting(connection)
        waiting: list[Flow | Questions] = [*flows, *map(Questions, regions)]
        for flow in self._queue.in_order(flow for flow in waiting if flow not in locked):
            if isinstance(flow, Flow) and self._pauses.of_regions(flow.source, flow.target):
                continue
            slot = self._lane_work.reserve(_room_needed(flow), elsewhere)
            if not isinstance(slot, CapacityLimit):
                return _Candidate(flow, slot, Outlook())
            look_in, is_blocked = _first(look_in, slot.retry_in), True
        return _Candidate(None, None, Outlook(look_in, is_blocked))

    def _take_from(
        self, connection: Connection, flow: Flow | Questions, now: datetime
    ) -> LaneSession | QuestionSession | None:
        if isinstance(flow, Questions):
            place = take_question(connection, flow.region, self._name, now)
            if place is None:
                return None
            self._queue.charge_question(flow.region)
            return QuestionSession(self._database, place, self._name)
        lane = take_lane(connection, flow, self._queue.last_organization(flow), self._name)
        if lane is None:
            return None
        limits = self._lane_work.limits()
        session = open_session(self._database, connection, lane, self._name, now, limits)
        session = without_paused(connection, session, self._pauses)
        self._queue.charge(flow, lane.namespace, [sync.sender for sync in session.syncs])
        return session

    def _occupancy(self, connection: Connection) -> Occupancy:
        if self._database.is_sqlite:
            return Occupancy()
        return read_occupancy(connection, self._name)


def _room_needed(flow: Flow | Questions) -> Flow:
    """Return the flow whose runs need the same room: a question reads one region."""
    if isinstance(flow, Flow):
        return flow
    return Flow(Urgency.PROOF, flow.region, flow.region, "")


def _first(*waits: timedelta | None) -> timedelta | None:
    return min((wait for wait in waits if wait is not None), default=None)
