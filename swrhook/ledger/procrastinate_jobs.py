"""SQL of the engine on PostgreSQL, beside what Procrastinate offers: jobs and their lanes."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, or_, text, update

from swrhook.errors import ClaimLost
from swrhook.ledger.lanes import unfinished_lanes
from swrhook.ledger.tables import lanes
from swrhook.model import Lane

_SWEEP_LOCK = 0x73777269  # any number, the same in every process

# FOR SHARE: a takeover waits until the writes of this job are committed or rolled back.
_OWNED = text("SELECT 1 FROM procrastinate_jobs WHERE id = :id AND status = 'doing' FOR SHARE")

# The job is deleted and replaced by a new one instead of restarted: a worker that comes back can
# finish only the job that it knows, which is gone.
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
    """Keep a job from being taken over until the transaction ends. Raises ClaimLost if it was."""
    if connection.execute(_OWNED, {"id": job}).first() is None:
        raise ClaimLost("another worker has taken this lane over")


def remove_stalled(
    connection: Connection, seconds: float
) -> Sequence[tuple[str, Mapping[str, Any]]]:
    """Delete the running jobs of dead workers; return the jobs' task names and arguments.

    A worker is dead when it has sent no heartbeat for `seconds`.
    """
    rows = connection.execute(_REMOVE_STALLED, {"seconds": seconds})
    return [(row.task_name, row.args) for row in rows]


def promote_due_lane(connection: Connection, lane: str, at: datetime, now: datetime) -> bool:
    """Schedule a lane for now if it is still scheduled for `at`; tell whether it was."""
    statement = update(lanes).where(lanes.c.key == lane, lanes.c.wake_at == at)
    return connection.execute(statement.values(wake_at=now)).rowcount == 1


def expedite_lane(connection: Connection, lane: str, now: datetime) -> bool:
    """Schedule a lane for now if it is scheduled for later; tell whether it was."""
    statement = update(lanes).where(lanes.c.key == lane, lanes.c.wake_at > now)
    return connection.execute(statement.values(wake_at=now)).rowcount == 1


def forgotten_lanes(connection: Connection) -> list[tuple[Lane, datetime]]:
    """Return the lanes with open syncs and without a job, and when they are due.

    None are returned while another process searches.
    """
    is_locked = connection.execute(text(f"SELECT pg_try_advisory_xact_lock({_SWEEP_LOCK})"))
    if not is_locked.scalar():
        return []
    unfinished = unfinished_lanes(connection)
    # Read after the lanes, so that a job which was created in between counts.
    with_jobs = set(connection.scalars(_LANES_WITH_JOBS))
    return [(lane, at) for lane, at in unfinished if lane.key not in with_jobs]


def set_wake(
    connection: Connection, lane: Lane, at: datetime, *, unless_after: datetime | None = None
) -> None:
    """Schedule a lane for a time, but keep a sooner time that is after `unless_after`."""
    statement = update(lanes).where(lanes.c.key == lane.key)
    if unless_after is not None:
        wake_at = lanes.c.wake_at
        statement = statement.where(or_(wake_at.is_(None), wake_at <= unless_after, wake_at > at))
    connection.execute(statement.values(wake_at=at))
