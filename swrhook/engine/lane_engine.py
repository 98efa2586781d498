"""The engine: threads that take ready lanes out of the ledger's queue and run them.

One thread at a time looks for the next lane. It holds nothing but what runs: lanes that wait are
in the ledger only, so a start and a backlog of any size cost nothing here.
"""

import math
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from swrhook import logs
from swrhook.clock import Clock
from swrhook.engine import LaneWork, NoRoom, SomeSlot
from swrhook.engine.fair_queue import FairQueue
from swrhook.engine.signals import LocalSignal, PostgresSignal
from swrhook.errors import ClaimLost
from swrhook.ledger.clock_steps import ClockSteps
from swrhook.ledger.database import Database
from swrhook.ledger.lane_queue import (
    Occupancy,
    free_lanes,
    lock_queue,
    make_due_ready,
    read_occupancy,
    ready_flows,
    take_lane,
)
from swrhook.ledger.lane_session import LaneSession, open_session
from swrhook.ledger.lanes import Flow
from swrhook.ledger.types import new_id
from swrhook.ledger.workers import beat, leave
from swrhook.periodic import PeriodicThread

# The ledger could not be read: look again after this.
_AFTER_OUTAGE = timedelta(seconds=1)
# The lane that was to be taken is locked for a moment by a transaction that records its syncs.
_SOON = timedelta(seconds=0.02)


@dataclass(frozen=True, slots=True)
class Intervals:
    """How often things are done, in seconds.

    `poll`: look for lanes, in case a signal was missed. `heartbeat`: report that this process is
    alive. `dead_after`: without a heartbeat for this long, a process loses its lanes.
    `after_error`: repeat a run that failed with an unexpected error.
    """

    poll: float = 5.0
    heartbeat: float = 2.0
    dead_after: float = 10.0
    after_error: float = 5.0


@dataclass(frozen=True, slots=True)
class _Taken(Generic[SomeSlot]):
    """A lane that was taken, if any, and when to look for the next one; None: when woken.

    `is_blocked` tells that lanes are ready for which a run has to end first.
    """

    session: LaneSession | None = None
    slot: SomeSlot | None = None
    look_in: timedelta | None = None
    is_blocked: bool = False


@dataclass(frozen=True, slots=True)
class _Place(Generic[SomeSlot]):
    """Room for a lane of a flow; or none, and when there may be some."""

    flow: Flow | None
    slot: SomeSlot | None
    retry_in: timedelta | None = None
    is_blocked: bool = False


def _first(*waits: timedelta | None) -> timedelta | None:
    return min((wait for wait in waits if wait is not None), default=None)


class LaneEngine(Generic[SomeSlot]):
    """Runs lanes in the threads of this process; with 0 threads, it only signals to others."""

    def __init__(
        self,
        database: Database,
        work: LaneWork[SomeSlot],
        threads: int,
        clock: Clock,
        *,
        intervals: Intervals | None = None,
    ) -> None:
        """Take the ledger's clock: due times are compared with it."""
        self._database = database
        self._lane_work = work
        self._clock = clock
        self._intervals = intervals or Intervals()
        self._name = new_id()
        self._queue = FairQueue()
        self._clock_steps = ClockSteps() if database.is_sqlite else None
        self._signal = (
            LocalSignal(self._look) if database.is_sqlite else PostgresSignal(database, self._look)
        )
        self._stopping = threading.Event()
        self._changed = threading.Condition()  # guards the attributes below
        self._look_at: float = 0.0  # by the monotonic clock
        self._awaited_look_at = math.inf  # the time that some thread waits for
        self._is_looking = False
        self._is_blocked = False
        self._threads = [
            threading.Thread(target=self._work, name=f"worker-{number}", daemon=True)
            for number in range(threads)
        ]
        self._heartbeat = PeriodicThread("heartbeat", self._beat, self._intervals.heartbeat)

    def wake(self, connection: Connection) -> None:
        """Look for ready lanes once the connection's transaction has committed."""
        self._signal.send(connection)

    def start(self) -> None:
        """Start to run lanes, including those that an earlier process left unfinished."""
        if not self._threads:
            return
        if self._database.is_sqlite:
            with self._database.write() as connection:
                free_lanes(connection)
        else:
            self._heartbeat.start()
            self._signal.start()
        for thread in self._threads:
            thread.start()

    def check(self) -> str | None:
        """Return why this process runs no lanes, or None."""
        is_alive = (
            all(thread.is_alive() for thread in self._threads) and not self._stopping.is_set()
        )
        if self._threads and not self._database.is_sqlite:
            is_alive = is_alive and self._heartbeat.is_alive
        return None if is_alive else "the engine does not run"

    def stop(self) -> None:
        """Finish the runs in flight; what is due later stays in the ledger."""
        with self._changed:
            self._stopping.set()
            self._changed.notify_all()
        self._signal.stop()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()
        if self._heartbeat.is_alive:
            self._heartbeat.stop()
            self._leave()

    def _look(self) -> None:
        """Let a thread look for a lane now."""
        with self._changed:
            self._look_at = 0.0
            self._changed.notify()

    def _work(self) -> None:
        while self._wait():
            taken: _Taken[SomeSlot] = _Taken(look_in=_AFTER_OUTAGE)
            try:
                taken = self._take()
            except Exception as exc:  # noqa: BLE001  # the thread must survive every error
                logs.failure("engine.failed", exc)
            finally:
                self._end_look(taken)
            if taken.session is not None and taken.slot is not None:
                self._run(taken.session, taken.slot)

    def _wait(self) -> bool:
        """Wait until this thread is the one to look for a lane; False when the engine stops."""
        with self._changed:
            while not self._stopping.is_set():
                wait = self._look_at - time.monotonic()
                if not self._is_looking and wait <= 0:
                    self._is_looking = True
                    self._look_at = time.monotonic() + self._intervals.poll
                    return True
                self._wait_until_look(wait)
            return False

    def _wait_until_look(self, wait: float) -> None:
        """Wait for a notification. One thread also waits for the next time to look."""
        look_at = self._look_at
        if self._is_looking or look_at >= self._awaited_look_at:
            self._changed.wait()
            return
        self._awaited_look_at = look_at
        self._changed.wait(wait)
        if self._awaited_look_at == look_at:
            self._awaited_look_at = math.inf

    def _end_look(self, taken: _Taken[SomeSlot]) -> None:
        with self._changed:
            self._is_looking = False
            self._is_blocked = taken.is_blocked
            if taken.look_in is not None:
                delay = max(taken.look_in.total_seconds(), 0.0)
                self._look_at = min(self._look_at, time.monotonic() + delay)
            self._changed.notify()

    def _take(self) -> _Taken[SomeSlot]:
        """Take the next lane whose regions have room."""
        # What was taken need not survive a crash of the machine: its lanes are ready again then.
        with self._database.write(durable=False) as connection:
            lock_queue(connection)
            now = self._clock.now()
            if self._clock_steps is not None:
                self._clock_steps.check(connection, now)
            next_due = make_due_ready(connection, now)
            due_in = None if next_due is None else next_due - now
            elsewhere = self._occupancy(connection)
            place = self._find_place(connection, elsewhere)
            if place.flow is None or place.slot is None:
                return _Taken(None, None, _first(due_in, place.retry_in), place.is_blocked)
            session = self._take_from(connection, place.flow, now)
            if session is None:  # another transaction has locked the lane
                place.slot.release()
                return _Taken(look_in=_SOON)
            # Is there room for another lane? If so, another thread takes it at once.
            further = self._find_place(connection, elsewhere)
            if further.slot is not None:
                further.slot.release()
                return _Taken(session, place.slot, timedelta())
            look_in = _first(due_in, further.retry_in)
            return _Taken(session, place.slot, look_in, further.is_blocked)

    def _find_place(self, connection: Connection, elsewhere: Occupancy) -> _Place[SomeSlot]:
        """Return room for the first flow that has some, in the order of their turns."""
        retry_in, is_blocked = None, False
        for flow in self._queue.in_order(ready_flows(connection)):
            slot = self._lane_work.reserve(flow, elsewhere)
            if not isinstance(slot, NoRoom):
                return _Place(flow, slot)
            retry_in, is_blocked = _first(retry_in, slot.retry_in), True
        return _Place(None, None, retry_in, is_blocked)

    def _take_from(self, connection: Connection, flow: Flow, now: datetime) -> LaneSession | None:
        lane = take_lane(connection, flow, self._queue.last_organization(flow), self._name)
        lane = lane or take_lane(connection, flow, "", self._name)
        if lane is None:
            return None
        limits = self._lane_work.limits()
        session = open_session(self._database, connection, lane, self._name, now, limits)
        self._queue.charge(flow, lane.namespace, [sync.sender for sync in session.syncs])
        return session

    def _occupancy(self, connection: Connection) -> Occupancy:
        if self._database.is_sqlite:
            return Occupancy()
        return read_occupancy(connection, self._name)

    def _run(self, session: LaneSession, slot: SomeSlot) -> None:
        due_at = None
        try:
            due_at = self._lane_work.run(session, slot)
        except ClaimLost:
            logs.warning("lane.taken_over", lane=session.lane.key)
        except Exception as exc:  # noqa: BLE001  # the thread must survive every error
            logs.failure("lane.failed", exc, lane=session.lane.key)
            due_at = self._give_back(session)
        finally:
            slot.release()
            self._end_run(due_at)

    def _end_run(self, due_at: datetime | None) -> None:
        """Look now if a lane waits for the room that is free now, else when this lane is due."""
        look_at = math.inf
        if due_at is not None:
            look_at = time.monotonic() + (due_at - self._clock.now()).total_seconds()
        with self._changed:
            self._look_at = 0.0 if self._is_blocked else min(self._look_at, look_at)

    def _give_back(self, session: LaneSession) -> datetime | None:
        """Release the lane of a run that failed; while the ledger is away, try again and again."""
        pause = self._intervals.after_error
        while not self._stopping.is_set():
            now = self._clock.now()
            try:
                return session.postpone(now, now + timedelta(seconds=pause))
            except ClaimLost:
                return None
            except (SQLAlchemyError, OSError) as exc:
                logs.failure("lane.release_failed", exc, lane=session.lane.key)
                self._stopping.wait(pause)
        return None

    def _beat(self) -> None:
        patience = timedelta(seconds=self._intervals.dead_after)
        with self._database.write() as connection:
            now = self._clock.now()
            heartbeat = beat(connection, self._name, len(self._threads), now, patience)
        self._lane_work.set_share(heartbeat.processes)
        if heartbeat.freed_lanes:
            logs.warning("lane.left_behind", lanes=heartbeat.freed_lanes)
            self._look()

    def _leave(self) -> None:
        try:
            with self._database.write() as connection:
                leave(connection, self._name)
                self.wake(connection)
        except (SQLAlchemyError, OSError) as exc:
            logs.failure("engine.leave_failed", exc)
