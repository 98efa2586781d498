"""The engine for PostgreSQL: its jobs, and the takeover of those of dead workers."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest
from psycopg_pool import AsyncConnectionPool
from sqlalchemy import text
from swrhook.engine.postgresql import Intervals, PostgresEngine
from swrhook.ledger.procrastinate_jobs import assert_job_owned

from swrhook.clock import SystemClock
from swrhook.errors import ClaimLost
from swrhook.ledger.database import Database, write_guard
from swrhook.ledger.kept_state import probe
from swrhook.ledger.lanes import schedule_lanes
from swrhook.ledger.postgresql import SESSION, limit
from swrhook.ledger.tables import probes
from swrhook.model import Lane
from tests.factories import LANE, NOW, FakeWork, everything, put

pytestmark = pytest.mark.on("postgresql")
PATIENCE = 20.0
INTERVALS = Intervals(poll=0.05, heartbeat=0.2, dead_after=1.0)


def now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def running(
    database: Database, run: Callable[[Lane, datetime], datetime | None], workers: int = 2
) -> Iterator[PostgresEngine]:
    engine = PostgresEngine(database, FakeWork(run), workers, SystemClock(), intervals=INTERVALS)
    engine.start()
    yield engine
    engine.stop()


def wake(database: Database, engine: PostgresEngine, after: float = 0.0) -> None:
    at = now() + timedelta(seconds=after)
    with database.write() as connection:
        engine.wake(schedule_lanes(connection, [LANE], at), at, connection)


def jobs(database: Database) -> list[tuple[str, str]]:
    query = text("SELECT task_name, status::text FROM procrastinate_jobs ORDER BY id")
    with database.read() as connection:
        return [(row.task_name, row.status) for row in connection.execute(query)]


def leave_behind(database: Database) -> int:
    """Make the only job a running one of a worker without a heartbeat for a minute; return it."""
    with database.write() as connection:
        worker = connection.scalar(
            text(
                "INSERT INTO procrastinate_workers (last_heartbeat)"
                " VALUES (now() - interval '1 minute') RETURNING id"
            )
        )
        claim = "UPDATE procrastinate_jobs SET status = 'doing', worker_id = :worker RETURNING id"
        return int(connection.execute(text(claim), {"worker": worker}).scalar_one())


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.02)
    return holds()


def test_without_workers_it_queues_jobs_for_other_processes(database: Database) -> None:
    runs: list[Lane] = []
    with running(database, lambda lane, _until: runs.append(lane), workers=0) as recording:
        assert recording.check() is None
        wake(database, recording)
        assert jobs(database) == [("run_lane", "todo")]

        with running(database, lambda lane, _until: runs.append(lane)):
            assert eventually(lambda: runs == [LANE])
            assert eventually(lambda: jobs(database) == [])  # finished jobs are deleted


def test_the_lane_of_a_dead_worker_is_taken_over_and_a_late_write_is_refused(
    database: Database,
) -> None:
    runs: list[Lane] = []
    with running(database, lambda lane, _until: runs.append(lane), workers=0) as recording:
        wake(database, recording)
    job = leave_behind(database)

    with running(database, lambda lane, _until: runs.append(lane)):
        assert eventually(lambda: runs == [LANE])

    late = write_guard(lambda connection: assert_job_owned(connection, job))
    with pytest.raises(ClaimLost), late, database.write() as connection:
        probe(connection, NOW)
    assert everything(database, probes) == []


def test_a_lane_with_open_syncs_and_without_a_job_is_run(database: Database) -> None:
    runs: list[Lane] = []
    put(database, due_at=NOW)
    with database.write() as connection:
        schedule_lanes(connection, [LANE], NOW)  # without a job

    with running(database, lambda lane, _until: runs.append(lane)):
        assert eventually(lambda: runs == [LANE])


def test_a_time_is_queued_once_and_does_nothing_when_it_is_outdated(
    database: Database,
) -> None:
    runs: list[Lane] = []
    later = now() + timedelta(hours=1)
    with running(database, lambda lane, _until: runs.append(lane), workers=0) as recording:
        wake(database, recording, after=0.5)
        wake(database, recording, after=0.2)
        with database.write() as connection:
            recording.wake([LANE], later, connection)
            recording.wake([LANE], later, connection)
        assert jobs(database) == [("promote_lane", "todo")] * 3

    with running(database, lambda lane, _until: runs.append(lane)):
        assert eventually(lambda: jobs(database) == [("promote_lane", "todo")])

    assert runs == [LANE]


def test_a_wake_is_undone_with_its_transaction(database: Database) -> None:
    with running(database, lambda _lane, _until: None, workers=0) as recording:
        with suppress(ZeroDivisionError), database.write() as connection:
            recording.wake([LANE], now(), connection)
            raise ZeroDivisionError

        assert jobs(database) == []


def test_the_jobs_connections_have_the_limits_of_the_ledgers_own(database: Database) -> None:
    async def limits() -> Sequence[str]:
        async with (
            AsyncConnectionPool(database.conninfo, configure=limit, open=False) as pool,
            pool.connection() as connection,
        ):
            cursors = [await connection.execute(f"SHOW {name}") for name in SESSION]
            return [str(row[0]) for cursor in cursors if (row := await cursor.fetchone())]

    with database.read() as connection:
        own = [connection.scalar(text(f"SHOW {name}")) for name in SESSION]

    assert asyncio.run(limits()) == own
    assert own == ["8s", "10s", "20s", "force_custom_plan", "on"]
