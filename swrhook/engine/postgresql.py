"""The engine for PostgreSQL: Procrastinate's jobs, for any number of processes and machines.

A lane that is due is a job under the lock of its lane; a lane that is due later is a job without
it, which defers the other one at its time (a locked job that waits would hold up the lane). That
time stands on the lane, too: a timed job that finds another one there has been overtaken.
"""

import asyncio
import logging
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from procrastinate import App, JobContext, PsycopgConnector, SyncPsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.jobs import Job
from procrastinate.manager import JobManager
from procrastinate.types import JSONDict
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from swrhook import logs
from swrhook.clock import Clock
from swrhook.engine import LaneWork
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
from swrhook.model import Lane, Target

QUEUE = "lanes"
RUN, FALL_DUE = "run_lane", "fall_due"


def run_job(lane: Lane) -> Job:
    """Return the job that runs a lane, under its lock."""
    return Job(
        id=None,
        queue=QUEUE,
        lock=lane.key,
        queueing_lock=None,
        task_name=RUN,
        task_kwargs=_arguments(lane),
    )


def timed_job(lane: Lane, at: datetime) -> Job:
    """Return the job that defers the other one at a time; only one for each time can wait."""
    return Job(
        id=None,
        queue=QUEUE,
        lock=None,
        queueing_lock=f"{lane.key}@{at.isoformat()}",
        task_name=FALL_DUE,
        task_kwargs={**_arguments(lane), "at": at.isoformat()},
        scheduled_at=at,
    )


def _arguments(lane: Lane) -> JSONDict:
    return {
        "lane": lane.key,
        "source_region": lane.source_region,
        "namespace": lane.namespace,
        "repository": lane.repository,
        "target_region": lane.target.region,
        "target_namespace": lane.target.namespace,
        "override": lane.override,
    }


def lane_of(arguments: Any) -> Lane:  # noqa: ANN401  # JSON
    """Read the lane from a job's arguments."""
    return Lane(
        arguments["source_region"],
        arguments["namespace"],
        arguments["repository"],
        Target(arguments["target_region"], arguments["target_namespace"]),
        arguments["override"],
    )


# A lane that is due again at once goes on in its job so often; then others have their turn.
_MOST_RUNS = 20
_MOST_IN_DEFER = 1000
_CONNECTIONS = 4
_PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class Intervals:
    """How often things are done, in seconds.

    `poll`: look for jobs without being told. `beat`: say that this worker lives. `gone`: it is
    given up after this long without a beat. `sweep`: look for lanes that no job will run.
    `after_error`: repeat a run that failed by an error of ours, or of the database.
    """

    poll: float = 0.5
    beat: float = 2.0
    gone: float = 10.0
    sweep: float = 20.0
    after_error: float = 5.0


class PostgresEngine:
    """Jobs in the ledger's own database, and in this process the threads that run them."""

    def __init__(
        self,
        database: Database,
        work: LaneWork,
        workers: int,
        clock: Clock,
        *,
        pulse: Intervals | None = None,
    ) -> None:
        """Take the parts; `start` begins. With no workers, lanes are woken for others to run."""
        self._database = database
        self._lane_work = work
        self._running: set[Lane] = set()
        self._hurried: set[Lane] = set()  # while they run
        self._lock = threading.Lock()
        self._workers = workers
        self._clock = clock
        self._pulse = pulse or Intervals()
        self._jobs = JobManager(SyncPsycopgConnector())
        self._stopping = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._serving: asyncio.Task[None] | None = None
        self._threads = [
            threading.Thread(target=self._serve, name="engine", daemon=True),
            threading.Thread(target=self._look_after_others, name="takeover", daemon=True),
        ]

    def wake(self, lanes: Sequence[Lane], at: datetime, connection: Connection) -> None:
        """Run the lanes at this time: the jobs are part of the connection's transaction."""
        if at > self._clock.now():
            for lane in lanes:
                self._arm(lane, at, connection)
            return
        jobs = [run_job(lane) for lane in lanes]
        for first in range(0, len(jobs), _MOST_IN_DEFER):
            self._defer(jobs[first : first + _MOST_IN_DEFER], connection)

    def run_now(self, lane: Lane) -> None:
        """Run a lane that was put off now; one that runs runs again."""
        with self._lock:
            if lane in self._running:
                self._hurried.add(lane)
                return
        # Not under the fence of the run that makes room; a failure costs but time.
        with (
            suppress(SQLAlchemyError, OSError),
            write_guard(_unfenced),
            self._database.write() as connection,
        ):
            now = self._clock.now()
            if expedite_lane(connection, lane.key, now):
                self.wake([lane], now, connection)

    def start(self) -> None:
        """Begin to run lanes, with all that processes which are gone left unfinished."""
        if self._workers:
            for name in ("procrastinate", "psycopg.pool"):  # what matters is logged here
                logging.getLogger(name).setLevel(logging.CRITICAL)
            for thread in self._threads:
                thread.start()

    def check(self) -> str | None:
        """Return why no lane is run, or None."""
        if not self._workers:
            return None
        if all(thread.is_alive() for thread in self._threads) and not self._stopping.is_set():
            return None
        return "the engine does not run"

    def stop(self) -> None:
        """Finish the runs in flight; what is due later stays in the ledger."""
        self._stopping.set()
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # it has ended meanwhile
                loop.call_soon_threadsafe(self._end_serving)
        for thread in self._threads:
            if thread.is_alive():
                thread.join()

    def _arm(self, lane: Lane, at: datetime, connection: Connection) -> None:
        """Let the lane fall due at this time, once, however often it is asked for."""
        with suppress(AlreadyEnqueued), connection.begin_nested():
            self._defer([timed_job(lane, at)], connection)

    def _defer(self, jobs: list[Job], connection: Connection) -> None:
        self._jobs.batch_defer_jobs(jobs, connection=connection.connection.driver_connection)

    # What jobs do, each in a thread of the executor.

    def _work(self, context: JobContext, /, **arguments: Any) -> None:  # noqa: ANN401  # JSON
        lane, job = lane_of(arguments), context.job.id
        if job is None:
            return
        try:
            with write_guard(lambda connection: assert_job_owned(connection, job)):
                self._run(lane)
        except ClaimLost:
            logs.warning("lane.taken_over", lane=lane.key)

    def _fall_due(self, at: str, **arguments: Any) -> None:  # noqa: ANN401  # JSON
        lane = lane_of(arguments)
        with self._database.write() as connection:
            now = self._clock.now()
            if promote_due_lane(connection, lane.key, datetime.fromisoformat(at), now):
                self.wake([lane], now, connection)

    def _run(self, lane: Lane) -> None:
        with self._lock:
            self._running.add(lane)
        try:
            self._run_and_arm(lane)
        finally:
            with self._lock:
                self._running.discard(lane)
                is_hurried = lane in self._hurried
                self._hurried.discard(lane)
        if is_hurried:
            self.run_now(lane)

    def _run_and_arm(self, lane: Lane) -> None:
        began = self._clock.now()
        try:
            again = self._run_until_quiet(lane)
        except ClaimLost:
            raise
        except Exception as exc:  # noqa: BLE001  # the lane must outlive whatever fails
            logs.failure("lane.failed", exc, lane=lane.key)
            again = self._clock.now() + timedelta(seconds=self._pulse.after_error)
        if again is not None:
            with self._database.write() as connection:
                set_wake(connection, lane, again, unless_after=began)
                self.wake([lane], again, connection)

    def _run_until_quiet(self, lane: Lane) -> datetime | None:
        """Run the lane as long as it is due again at once; return when it is due later."""
        again: datetime | None = None
        for _ in range(_MOST_RUNS):
            again = self._lane_work.run(lane, self._clock.now())
            if again is None or again > self._clock.now() or self._stopping.is_set():
                break
        return again

    # The threads.

    def _serve(self) -> None:
        # Not asyncio's own executor: it has as many threads as the machine has cores, and some.
        threads = ThreadPoolExecutor(self._workers, thread_name_prefix="worker")
        with threads, asyncio.Runner() as runner:
            self._loop = runner.get_loop()
            self._loop.set_default_executor(threads)
            # A job that could not be finished says so here; its worker begins anew, and the job
            # is taken over like those of any worker that is gone.
            self._loop.set_exception_handler(lambda _loop, _context: self._end_serving())
            while not self._stopping.is_set():
                try:
                    runner.run(self._serve_once())
                except Exception as exc:  # noqa: BLE001  # the database is away
                    logs.failure("engine.failed", exc)
                    self._stopping.wait(1)

    async def _serve_once(self) -> None:
        """Run jobs until the engine stops, or something fails."""
        connector = PsycopgConnector(
            conninfo=self._database.conninfo,
            min_size=1,
            max_size=_CONNECTIONS,
            timeout=_PATIENCE,
            configure=limit,
        )
        app = App(connector=connector)
        app.task(name=RUN, pass_context=True)(self._work)
        app.task(name=FALL_DUE)(self._fall_due)
        async with app.open_async():
            self._serving = asyncio.create_task(
                app.run_worker_async(
                    queues=[QUEUE],
                    concurrency=self._workers,
                    fetch_job_polling_interval=self._pulse.poll,
                    update_heartbeat_interval=self._pulse.beat,
                    stalled_worker_timeout=self._pulse.gone,
                    delete_jobs="always",
                    install_signal_handlers=False,
                )
            )
            if self._stopping.is_set():
                self._end_serving()
            with suppress(asyncio.CancelledError):
                await self._serving

    def _end_serving(self) -> None:
        """Let the worker finish what is in flight, and end."""
        if self._serving is not None:
            self._serving.cancel()

    def _look_after_others(self) -> None:
        """Take over what workers that are gone have left, as long as the engine runs."""
        sweep_at = 0.0
        waited = 0.0
        while not self._stopping.is_set():
            try:
                with self._database.write() as connection:
                    for task, arguments in remove_stalled(connection, self._pulse.gone):
                        self._take_over(task, arguments, connection)
                    if waited >= sweep_at:
                        sweep_at = waited + self._pulse.sweep
                        self._sweep(connection)
            except Exception as exc:  # noqa: BLE001  # the database is away
                logs.failure("takeover.failed", exc)
                sweep_at = 0.0  # what came to nothing meanwhile is looked for at once
            self._stopping.wait(self._pulse.beat)
            waited += self._pulse.beat

    def _take_over(self, task: str, arguments: Any, connection: Connection) -> None:  # noqa: ANN401
        lane = lane_of(arguments)
        logs.warning("lane.left_behind", lane=lane.key, task=task)
        if task == RUN:
            self.wake([lane], self._clock.now(), connection)
        else:
            self._arm(lane, datetime.fromisoformat(arguments["at"]), connection)

    def _sweep(self, connection: Connection) -> None:
        forgotten = forgotten_lanes(connection)
        lock_lanes(connection, [lane for lane, _ in forgotten])  # each has a row from here on
        for lane, at in forgotten:
            at_or_now = max(at, self._clock.now())
            set_wake(connection, lane, at_or_now)
            self.wake([lane], at_or_now, connection)


def _unfenced(_connection: Connection) -> None:
    """Let a write pass."""
