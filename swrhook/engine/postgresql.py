"""The engine for PostgreSQL: Procrastinate's jobs, for any number of processes and machines.

Jobs are queued in the transaction that makes a lane due (see lane_jobs for their two kinds). The
lane's row holds its due time as well, in `wake_at`: a promote job for any other time is outdated,
and does nothing.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from procrastinate import App, JobContext, PsycopgConnector, SyncPsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.jobs import Job
from procrastinate.manager import JobManager
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from swrhook import logs
from swrhook.clock import Clock
from swrhook.engine import LaneWork
from swrhook.engine.lane_jobs import PROMOTE, QUEUE, RUN, promote_job, run_job, time_of
from swrhook.errors import ClaimLost
from swrhook.ledger.database import Database, write_guard
from swrhook.ledger.lanes import lock_lanes
from swrhook.ledger.postgresql import limit
from swrhook.ledger.procrastinate_jobs import (
    assert_job_owned,
    expedite_lane,
    forgotten_lanes,
    promote_due_lane,
    remove_stalled,
    set_wake,
)
from swrhook.ledger.rows import to_lane
from swrhook.model import Lane
from swrhook.periodic import PeriodicThread

# A lane that is due again at once runs again in the same job, up to so many times. Then it queues
# behind other lanes.
_MOST_RUNS = 20
_MOST_JOBS_IN_INSERT = 1000
_MOST_CONNECTIONS = 4
_CONNECT_TIMEOUT = 10.0
_RESTART_PAUSE = 1.0


@dataclass(frozen=True, slots=True)
class Intervals:
    """How often things are done, in seconds.

    `poll`: look for jobs, in case a notification was missed. `heartbeat`: report that this worker
    is alive. `dead_after`: without a heartbeat for this long, a worker's jobs are taken over.
    `sweep`: look for lanes without a job. `after_error`: repeat a run that failed with an
    unexpected error.
    """

    poll: float = 0.5
    heartbeat: float = 2.0
    dead_after: float = 10.0
    sweep: float = 20.0
    after_error: float = 5.0


class PostgresEngine:
    """Jobs in the ledger's database, and the threads of this process that run them."""

    def __init__(
        self,
        database: Database,
        work: LaneWork,
        workers: int,
        clock: Clock,
        *,
        intervals: Intervals | None = None,
    ) -> None:
        """With 0 workers, the engine queues jobs for other processes and runs none."""
        self._database = database
        self._lane_work = work
        self._workers = workers
        self._clock = clock
        self._intervals = intervals or Intervals()
        self._lock = threading.Lock()  # guards the two sets
        self._running: set[Lane] = set()
        self._run_again: set[Lane] = set()  # of those that are running
        self._jobs = JobManager(SyncPsycopgConnector())
        self._stopping = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._worker_task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run_workers, name="engine", daemon=True)
        self._next_sweep_at = 0.0
        heartbeat = self._intervals.heartbeat
        self._takeover = PeriodicThread(
            "takeover", self._recover_lanes, heartbeat, on_error=self._sweep_soon
        )

    def wake(self, lanes: Sequence[Lane], at: datetime, connection: Connection) -> None:
        """Run the lanes at a time: queue their jobs in the connection's transaction."""
        if at > self._clock.now():
            for lane in lanes:
                self._queue_promotion(lane, at, connection)
            return
        jobs = [run_job(lane) for lane in lanes]
        for first in range(0, len(jobs), _MOST_JOBS_IN_INSERT):
            self._queue(jobs[first : first + _MOST_JOBS_IN_INSERT], connection)

    def run_now(self, lane: Lane) -> None:
        """Run a postponed lane immediately; one that is running runs again afterwards."""
        with self._lock:
            if lane in self._running:
                self._run_again.add(lane)
                return
        # The caller is the run of another lane. The guard of its job says nothing about this lane.
        # If the write fails, the lane runs at the time it was postponed to.
        with (
            suppress(SQLAlchemyError, OSError),
            write_guard(lambda _connection: None),
            self._database.write() as connection,
        ):
            now = self._clock.now()
            if expedite_lane(connection, lane.key, now):
                self.wake([lane], now, connection)

    def start(self) -> None:
        """Start to run lanes, including those that dead processes left unfinished."""
        if self._workers:
            # Their errors are logged by this engine, once and with the lane.
            for name in ("procrastinate", "psycopg.pool"):
                logging.getLogger(name).setLevel(logging.CRITICAL)
            self._thread.start()
            self._takeover.start()

    def check(self) -> str | None:
        """Return why this process runs no lanes, or None."""
        if not self._workers:
            return None
        is_alive = self._thread.is_alive() and self._takeover.is_alive
        return None if is_alive and not self._stopping.is_set() else "the engine does not run"

    def stop(self) -> None:
        """Finish the runs in flight; what is due later stays in the ledger."""
        self._stopping.set()
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # the loop has been closed
                loop.call_soon_threadsafe(self._stop_worker)
        if self._thread.is_alive():
            self._thread.join()
        self._takeover.stop()

    def _queue_promotion(self, lane: Lane, at: datetime, connection: Connection) -> None:
        # A savepoint, since the unique key of an equal job would undo the whole transaction.
        with suppress(AlreadyEnqueued), connection.begin_nested():
            self._queue([promote_job(lane, at)], connection)

    def _queue(self, jobs: list[Job], connection: Connection) -> None:
        self._jobs.batch_defer_jobs(jobs, connection=connection.connection.driver_connection)

    # The tasks of jobs, each in a thread of the executor.

    def _run_lane(self, context: JobContext, /, **arguments: Any) -> None:  # noqa: ANN401  # JSON
        lane, job = to_lane(arguments), context.job.id
        if job is None:
            return
        try:
            with write_guard(lambda connection: assert_job_owned(connection, job)):
                self._run(lane)
        except ClaimLost:
            logs.warning("lane.taken_over", lane=lane.key)

    def _promote_lane(self, **arguments: Any) -> None:  # noqa: ANN401  # JSON
        lane = to_lane(arguments)
        with self._database.write() as connection:
            now = self._clock.now()
            if promote_due_lane(connection, lane.key, time_of(arguments), now):
                self.wake([lane], now, connection)

    def _run(self, lane: Lane) -> None:
        with self._lock:
            self._running.add(lane)
        try:
            self._run_and_schedule(lane)
        finally:
            with self._lock:
                self._running.discard(lane)
                runs_again = lane in self._run_again
                self._run_again.discard(lane)
        if runs_again:
            self.run_now(lane)

    def _run_and_schedule(self, lane: Lane) -> None:
        began = self._clock.now()
        try:
            due_at = self._run_while_due(lane)
        except ClaimLost:
            raise
        except Exception as exc:  # noqa: BLE001  # the lane must survive every error
            logs.failure("lane.failed", exc, lane=lane.key)
            due_at = self._clock.now() + timedelta(seconds=self._intervals.after_error)
        if due_at is not None:
            with self._database.write() as connection:
                set_wake(connection, lane, due_at, unless_after=began)
                self.wake([lane], due_at, connection)

    def _run_while_due(self, lane: Lane) -> datetime | None:
        """Run the lane while it is due again at once; return when it is due later."""
        due_at: datetime | None = None
        for _ in range(_MOST_RUNS):
            due_at = self._lane_work.run(lane, self._clock.now())
            if due_at is None or due_at > self._clock.now() or self._stopping.is_set():
                break
        return due_at

    def _run_workers(self) -> None:
        # asyncio's default executor has a few threads per core, which is too few for lanes: they
        # mostly wait for SWR.
        executor = ThreadPoolExecutor(self._workers, thread_name_prefix="worker")
        with executor, asyncio.Runner() as runner:
            self._loop = runner.get_loop()
            self._loop.set_default_executor(executor)
            # Called when Procrastinate could not finish a job, mostly since the database is away.
            # The worker is restarted, and its jobs are taken over like those of a dead worker.
            self._loop.set_exception_handler(lambda _loop, _context: self._stop_worker())
            while not self._stopping.is_set():
                try:
                    runner.run(self._run_worker())
                except Exception as exc:  # noqa: BLE001  # the database is away
                    logs.failure("engine.failed", exc)
                    self._stopping.wait(_RESTART_PAUSE)

    async def _run_worker(self) -> None:
        """Run jobs until the engine stops, or something fails."""
        connector = PsycopgConnector(
            conninfo=self._database.conninfo,
            min_size=1,
            max_size=_MOST_CONNECTIONS,
            timeout=_CONNECT_TIMEOUT,
            configure=limit,
        )
        app = App(connector=connector)
        app.task(name=RUN, pass_context=True)(self._run_lane)
        app.task(name=PROMOTE)(self._promote_lane)
        async with app.open_async():
            self._worker_task = asyncio.create_task(
                app.run_worker_async(
                    queues=[QUEUE],
                    concurrency=self._workers,
                    fetch_job_polling_interval=self._intervals.poll,
                    update_heartbeat_interval=self._intervals.heartbeat,
                    stalled_worker_timeout=self._intervals.dead_after,
                    delete_jobs="always",
                    install_signal_handlers=False,
                )
            )
            if self._stopping.is_set():
                self._stop_worker()
            with suppress(asyncio.CancelledError):
                await self._worker_task

    def _stop_worker(self) -> None:
        """Stop Procrastinate's worker after its running jobs."""
        if self._worker_task is not None:
            self._worker_task.cancel()

    def _recover_lanes(self) -> None:
        """Take over the jobs of dead workers, and now and then look for lanes without a job."""
        with self._database.write() as connection:
            for task, arguments in remove_stalled(connection, self._intervals.dead_after):
                self._take_over(task, arguments, connection)
            if time.monotonic() >= self._next_sweep_at:
                self._next_sweep_at = time.monotonic() + self._intervals.sweep
                self._sweep(connection)

    def _sweep_soon(self) -> None:
        # Jobs may have been lost while the database was away.
        self._next_sweep_at = 0.0

    def _take_over(self, task: str, arguments: Mapping[str, Any], connection: Connection) -> None:
        lane = to_lane(arguments)
        logs.warning("lane.left_behind", lane=lane.key, task=task)
        if task == RUN:
            self.wake([lane], self._clock.now(), connection)
        else:
            self._queue_promotion(lane, time_of(arguments), connection)

    def _sweep(self, connection: Connection) -> None:
        forgotten = forgotten_lanes(connection)
        lock_lanes(connection, [lane for lane, _ in forgotten])  # inserts missing rows, too
        for lane, due_at in forgotten:
            wake_at = max(due_at, self._clock.now())
            set_wake(connection, lane, wake_at)
            self.wake([lane], wake_at, connection)
