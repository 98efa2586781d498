"""The engine for SQLite: threads and a heap of due times, in this one process.

The heap is kept by the monotonic clock, so that no lane is lost when the wall clock is set. When it
is set back, the times in the ledger are shifted, too. A run counts as due at the time that it was
scheduled for, even if the wall clock has not reached it.
"""

import heapq
import itertools
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from swrhook import logs
from swrhook.engine import LaneWork
from swrhook.ledger import syncs
from swrhook.ledger.database import Database, after_commit
from swrhook.ledger.lanes import clear_wake_times, unfinished_lanes
from swrhook.model import Lane

# A run that failed with an unexpected error is repeated after this long.
AFTER_ERROR = timedelta(seconds=5)
# No lane waits longer. A later time was set by a clock that was set back since.
LONGEST_WAIT = timedelta(hours=1)
# Seconds. A smaller step of the wall clock is ignored.
_SMALLEST_STEP = 1.0


class SqliteEngine:
    """A pool of threads; each takes the lane that is due first."""

    def __init__(
        self,
        database: Database,
        work: LaneWork,
        workers: int,
        *,
        after_error: timedelta = AFTER_ERROR,
        longest_wait: timedelta = LONGEST_WAIT,
    ) -> None:
        self._database = database
        self._lane_work = work
        self._after_error = after_error
        self._longest_wait = longest_wait
        self._changed = threading.Condition()  # guards the attributes below
        self._heap: list[tuple[float, int, Lane, datetime]] = []
        self._order = itertools.count()  # lanes that are due together run in order of wake
        self._due: dict[Lane, float] = {}  # a lane's valid entry in the heap
        self._running: set[Lane] = set()
        self._woken_while_running: dict[Lane, datetime] = {}
        self._stopping = False
        self._clock_offset = clock_offset()
        self._threads = [
            threading.Thread(target=self._work, name=f"worker-{number}", daemon=True)
            for number in range(workers)
        ]

    def wake(self, lanes: Sequence[Lane], at: datetime, connection: Connection) -> None:
        """Run the lanes at a time, once the connection's transaction has committed."""
        if lanes:
            after_commit(connection, lambda: self._schedule(lanes, at))

    def run_now(self, lane: Lane) -> None:
        """Run a postponed lane immediately."""
        self._schedule([lane], datetime.now(UTC))

    def start(self) -> None:
        """Schedule what an earlier process left unfinished, and start the threads."""
        with self._database.write() as connection:
            clear_wake_times(connection)
        self._schedule_unfinished()
        for thread in self._threads:
            thread.start()

    def check(self) -> str | None:
        """Return why this process runs no lanes, or None."""
        if all(thread.is_alive() for thread in self._threads) and not self._stopping:
            return None
        return "the engine does not run"

    def stop(self) -> None:
        """Finish the runs in flight; what is due later stays in the ledger."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()

    def _schedule_unfinished(self) -> None:
        """Schedule all lanes with open syncs by the present wall clock."""
        with self._database.write() as connection:
            shifted_by = syncs.shift_due_times(connection, datetime.now(UTC))
            unfinished = unfinished_lanes(connection)
        if shifted_by:
            logs.warning("clock.set_back", seconds=round(shifted_by.total_seconds()))
        for lane, due_at in unfinished:
            self._schedule([lane], due_at)

    def _check_clock(self) -> None:
        """Schedule all lanes again if the wall clock was set back since the last check."""
        with self._changed:
            previous, self._clock_offset = self._clock_offset, clock_offset()
            is_set_back = self._clock_offset < previous - _SMALLEST_STEP
        if is_set_back:
            self._schedule_unfinished()

    def _schedule(self, lanes: Sequence[Lane], at: datetime) -> None:
        with self._changed:
            for lane in lanes:
                self._push(lane, at)
            self._changed.notify(len(lanes))

    def _push(self, lane: Lane, at: datetime) -> None:
        wait = min(max(at - datetime.now(UTC), timedelta()), self._longest_wait)
        due = time.monotonic() + wait.total_seconds()
        if self._due.get(lane, due) < due:
            return
        self._due[lane] = due
        heapq.heappush(self._heap, (due, next(self._order), lane, at))

    def _work(self) -> None:
        while (due_lane := self._wait_for_lane()) is not None:
            lane, at = due_lane
            due_at = self._run(lane, max(at, datetime.now(UTC)))
            with self._changed:
                self._running.discard(lane)
                woken_for = self._woken_while_running.pop(lane, None)
                for next_time in (due_at, woken_for):
                    if next_time is not None:
                        self._push(lane, next_time)
                self._changed.notify_all()

    def _run(self, lane: Lane, until: datetime) -> datetime | None:
        try:
            self._check_clock()
            return self._lane_work.run(lane, until)
        except Exception as exc:  # noqa: BLE001  # the thread must survive every error
            logs.failure("lane.failed", exc, lane=lane.key)
            return datetime.now(UTC) + self._after_error

    def _wait_for_lane(self) -> tuple[Lane, datetime] | None:
        """Wait for the first lane that is due and not running; None when the engine stops."""
        with self._changed:
            while not self._stopping:
                wait = self._heap[0][0] - time.monotonic() if self._heap else None
                if wait is None or wait > 0:
                    self._changed.wait(wait)
                elif (due_lane := self._pop()) is not None:
                    # A wake may have notified this thread just as its wait ended by itself.
                    # Pass that on, so that another thread waits for the new first entry.
                    self._changed.notify()
                    return due_lane
            return None

    def _pop(self) -> tuple[Lane, datetime] | None:
        """Remove the first entry; return it, unless it is outdated or the lane is running."""
        due, _, lane, at = heapq.heappop(self._heap)
        if self._due.get(lane) != due:
            return None  # a sooner one has replaced it
        del self._due[lane]
        if lane in self._running:
            earlier = self._woken_while_running.get(lane, at)
            self._woken_while_running[lane] = min(at, earlier)
            return None
        self._running.add(lane)
        return lane, at


def clock_offset() -> float:
    """Return by how many seconds the wall clock is ahead of the monotonic clock."""
    return time.time() - time.monotonic()
