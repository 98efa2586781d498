"""The engine: threads that take ready lanes out of the ledger's queue and run them.

One thread at a time looks for the next lane. It holds nothing but what runs: lanes that wait are
in the ledger only, so a start and a backlog of any size cost nothing here.
"""

import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from swrhook import logs
from swrhook.clock import Clock
from swrhook.engine import LaneWork, SomeSlot
from swrhook.engine.lane_taker import LaneTaker, Taken
from swrhook.engine.look_times import LookTimes, Outlook
from swrhook.engine.signals import LocalSignal, PostgresSignal
from swrhook.errors import ClaimLost
from swrhook.ledger.database import Database
from swrhook.ledger.lane_queue import free_lanes
from swrhook.ledger.lane_session import LaneSession
from swrhook.ledger.questions import Failure, QuestionSession
from swrhook.periodic import PeriodicThread
from swrhook.wording.message import say

# The ledger could not be read: look again after this.
_AFTER_OUTAGE = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Intervals:
    """How often things are done, in seconds.

    `poll`: look for lanes, in case a signal was missed. `heartbeat`: report that this process is
    alive. `dead_after`: without a heartbeat for this long, a process loses its lanes.
    `after_error`: repeat a run that failed with an unexpected error.
    """

    poll: float = 5.0
    heartbeat: float = 3.0
    dead_after: float = 10.0
    after_error: float = 5.0


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
        dead_after = self._intervals.dead_after
        self._taker = LaneTaker(database, work, clock, threads=threads, dead_after=dead_after)
        self._looks = LookTimes(self._intervals.poll)
        signal = LocalSignal if database.is_sqlite else PostgresSignal
        self._signal = signal(database, self._looks.look_now)
        self._stopping = threading.Event()
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
        alive = [thread.is_alive() for thread in self._threads]
        if self._threads and not self._database.is_sqlite:
            alive.append(self._heartbeat.is_alive)
        return say("the engine does not run") if self._stopping.is_set() or not all(alive) else None

    def stop(self) -> None:
        """Finish the runs in flight; what is due later stays in the ledger."""
        self._stopping.set()
        self._looks.stop()
        self._signal.stop()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()
        if self._heartbeat.is_alive:
            self._heartbeat.stop()
            self._leave()

    def _work(self) -> None:
        while self._looks.wait():
            result: Taken[SomeSlot] = Taken(Outlook(_AFTER_OUTAGE))
            try:
                result = self._taker.take()
            except Exception as exc:  # noqa: BLE001  # the thread must survive every error
                logs.failure("engine.failed", exc)
            finally:
                self._looks.end(result.outlook)
            if result.session is None or result.slot is None:
                continue
            if isinstance(result.session, QuestionSession):
                self._answer(result.session, result.slot)
            else:
                self._run(result.session, result.slot)

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
            self._looks.end_run(None if due_at is None else due_at - self._clock.now())

    def _answer(self, question: QuestionSession, slot: SomeSlot) -> None:
        """Answer a question; after an error, nobody does until it is asked again."""
        try:
            self._lane_work.answer(question, slot)
        except Exception as exc:  # noqa: BLE001  # the thread must survive every error
            logs.failure("question.failed", exc, place=str(question.place))
            with suppress(SQLAlchemyError, OSError):  # then another worker answers it later
                question.fail(Failure("an error in swrhook itself", is_final=False))
        finally:
            slot.release()
            self._looks.end_run(None)

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
        heartbeat = self._taker.beat()
        self._lane_work.set_share(heartbeat.processes)
        if heartbeat.freed_lanes:
            logs.warning("lane.left_behind", lanes=heartbeat.freed_lanes)
            self._looks.look_now()

    def _leave(self) -> None:
        try:
            with self._database.write() as connection:
                self._taker.leave(connection)
                self.wake(connection)
        except (SQLAlchemyError, OSError) as exc:
            logs.failure("engine.leave_failed", exc)
