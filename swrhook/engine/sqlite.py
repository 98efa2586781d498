"""The engine for SQLite: threads and a heap of due times in this one process.

Due times are kept on the monotonic clock, and a run counts as due at the time it was woken for.
When the wall clock is set back, what the ledger holds is moved with it: nothing freezes.
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

# A run that failed by an error of ours, or of the disk, is repeated after this long.
AFTER_ERROR = timedelta(seconds=5)
# Nothing is ever due later than this: more was written under a clock that has jumped back.
LONGEST_WAIT = timedelta(hours=1)
# A step of the clock, in seconds; less is made up for while it runs.
_STEP = 1.0


class SqliteEngine:
    """A pool of threads that take the lane that is due first."""

    def __init__(
        self,
        database: Database,
        work: LaneWork,
        workers: int,
        *,
        after_error: timedelta = AFTER_ERROR,
        longest_wait: timedelta = LONGEST_WAIT,
    ) -> None:
        """Take the parts; `start` begins."""
        self._database = database
        self._lane_work = work
        self._after_error = after_error
        self._longest_wait = longest_wait
        self._heap: list[tuple[float, int, Lane, datetime]] = []
        self._order = itertools.count()
        self._due: dict[Lane, float] = {}  # the entry of the heap that counts
        self._running: set[Lane] = set()
        self._missed: dict[Lane, datetime] = {}  # woken while running
        self._changed = threading.Condition()
        self._stopping = False
        self._wall_ahead = _wall_ahead()
        self._threads = [
            threading.Thread(target=self._work, name=f"worker-{number}", daemon=True)
            for number in range(workers)
        ]

    def wake(self, lanes: Sequence[Lane], at: datetime, connection: Connection) -> None:
        """Run the lanes at this time, once the transaction is on disk."""
        if lanes:
            after_commit(connection, lambda: self._schedule(lanes, at))

    def run_now(self, lane: Lane) -> None:
        """Run a lane that was put off now: there may be room for it."""
        self._schedule([lane], datetime.now(UTC))

    def start(self) -> None:
        """Re-arm what an earlier process left unfinished, and start the threads."""
        with self._database.write() as connection:
            clear_wake_times(connection)
        self._arm()
        for thread in self._threads:
            thread.start()

    def check(self) -> str | None:
        """Return why no lane is run, or None."""
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

    def _arm(self) -> None:
        """Have all unfinished lanes run when they are due, by the clock as it is now."""
        with self._database.write() as connection:
            ahead = syncs.shift_due_times(connection, datetime.now(UTC))
            unfinished = unfinished_lanes(connection)
        if ahead:
            logs.warning("clock.set_back", seconds=round(ahead.total_seconds()))
        for lane, at in unfinished:
            self._schedule([lane], at)

    def _mind_the_clock(self) -> None:
        """Arm all lanes anew when the clock has been set back since the last look."""
        with self._changed:
            before, self._wall_ahead = self._wall_ahead, _wall_ahead()
            is_set_back = self._wall_ahead < before - _STEP
        if is_set_back:
            self._arm()

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
        while (taken := self._take()) is not None:
            lane, at = taken
            again = self._run(lane, max(at, datetime.now(UTC)))
            with self._changed:
                self._running.discard(lane)
                missed = self._missed.pop(lane, None)
                for time_again in (again, missed):
                    if time_again is not None:
                        self._push(lane, time_again)
                self._changed.notify_all()

    def _run(self, lane: Lane, until: datetime) -> datetime | None:
        try:
            self._mind_the_clock()
            return self._lane_work.run(lane, until)
        except Exception as exc:  # noqa: BLE001  # the thread must outlive whatever fails
            logs.failure("lane.failed", exc, lane=lane.key)
            return datetime.now(UTC) + self._after_error

    def _take(self) -> tuple[Lane, datetime] | None:
        """Wait for the first lane that is due and may run; None when the engine stops."""
        with self._changed:
            while not self._stopping:
                wait = None
                if self._heap:
                    wait = self._heap[0][0] - time.monotonic()
                    if wait <= 0:
                        taken = self._pop()
                        if taken is not None:
                            # The next one waits for what is first in the heap now: a wake may
                            # have gone to a thread that was about to wake by itself.
                            self._changed.notify()
                            return taken
                        continue
                self._changed.wait(wait)
            return None

    def _pop(self) -> tuple[Lane, datetime] | None:
        due, _, lane, at = heapq.heappop(self._heap)
        if self._due.get(lane) != due:
            return None  # a sooner wake replaced this one
        del self._due[lane]
        if lane in self._running:
            self._missed[lane] = min(at, self._missed.get(lane, at))
            return None
        self._running.add(lane)
        return lane, at


def _wall_ahead() -> float:
    """Return by how many seconds the wall clock is ahead of the one that nobody sets."""
    return time.time() - time.monotonic()
