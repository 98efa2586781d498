"""What the engine on PostgreSQL asks of Procrastinate's tables beside Procrastinate's own calls."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, or_, text, update

from swrhook.errors import ClaimLost
from swrhook.ledger.lanes import unfinished_lanes
from swrhook.ledger.tables import lanes
from swrhook.model import Lane

_SWEEP_LOCK = 0x73777269  # any number, the same in every process

# For share: a takeover waits until what this job writes is on disk, or has been undone.
_HELD = text("SELECT 1 FROM procrastinate_jobs WHERE id = :id AND status = 'doing' FOR SHARE")

# The job goes, and a new one comes: a worker that returns may finish only the one that it knew.
_REMOVE_STALLED = text("""
    DELETE FROM procrastinate_jobs WHERE id IN (
        SELECT job.id FROM procrastinate_jobs AS job
        LEFT JOIN procrastinate_workers AS worker ON worker.id = job.worker_id
        WHERE job.status = 'doing' AND (
            worker.id IS NULL
            OR worker.last_heartbeat < now() - make_interval(secs => :seconds)
        )
        FOR UPDATE OF job SKIP LOCKED
    ) RETURNING task_name, args
""")

_LANES_WITH_JOBS = text(
    "SELECT DISTINCT args->>'lane' FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"
)


def assert_job_owned(connection: Connection, job: int) -> None:
    """See to it that a job stays ours until the transaction ends. Raises TakenOver."""
    if connection.execute(_HELD, {"id": job}).first() is None:
        raise ClaimLost("another worker has taken this lane over")


def remove_stalled(
    connection: Connection, seconds: float
) -> Sequence[tuple[str, Mapping[str, Any]]]:
    """Remove the running jobs of workers that are gone; return their tasks' names and arguments.

    A worker is gone when it has not been heard of for so many seconds.
    """
    found = connection.execute(_REMOVE_STALLED, {"seconds": seconds})
    return [(row.task_name, row.args) for row in found]


def promote_due_lane(connection: Connection, lane: str, at: datetime, now: datetime) -> bool:
    """Tell whether a lane is still to run at this time; if so, it is to run now."""
    statement = update(lanes).where(lanes.c.key == lane, lanes.c.wake_at == at)
    return connection.execute(statement.values(wake_at=now)).rowcount == 1


def expedite_lane(connection: Connection, lane: str, now: datetime) -> bool:
    """Tell whether a lane was to run later; if so, it is to run now."""
    statement = update(lanes).where(lanes.c.key == lane, lanes.c.wake_at > now)
    return connection.execute(statement.values(wake_at=now)).rowcount == 1


def forgotten_lanes(connection: Connection) -> list[tuple[Lane, datetime]]:
    """Return the lanes with open syncs that no job will run; none while another process looks."""
    mine = connection.execute(text(f"SELECT pg_try_advisory_xact_lock({_SWEEP_LOCK})")).scalar()
    if not mine:
        return []
    unfinished = unfinished_lanes(connection)
    known = set(connection.scalars(_LANES_WITH_JOBS))  # read later: what came meanwhile is known
    return [(lane, at) for lane, at in unfinished if lane.key not in known]


def set_wake(
    connection: Connection, lane: Lane, at: datetime, *, unless_after: datetime | None = None
) -> None:
    """Note when a lane is to run; a sooner time that is after `unless_after` stays."""
    statement = update(lanes).where(lanes.c.key == lane.key)
    if unless_after is not None:
        noted = lanes.c.wake_at
        statement = statement.where(or_(noted.is_(None), noted <= unless_after, noted > at))
    connection.execute(statement.values(wake_at=at))
