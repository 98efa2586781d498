"""The processes that run lanes on one PostgreSQL ledger: their heartbeats, and lost lanes."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, func, select

from swrhook.ledger.lane_queue import free_lanes
from swrhook.ledger.sql import put
from swrhook.ledger.tables import lanes, workers


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """How many processes run lanes now, and how many lanes of lost ones are ready again."""

    processes: int
    freed_lanes: int


def announce(connection: Connection, worker: str, threads: int, now: datetime) -> None:
    """Note that a process is alive."""
    put(connection, workers, {"id": worker}, {"threads": threads, "seen_at": now})


def beat(
    connection: Connection, worker: str, threads: int, now: datetime, patience: timedelta
) -> Heartbeat:
    """Note that a process is alive, and free the lanes of those that were not for `patience`."""
    announce(connection, worker, threads, now)
    connection.execute(delete(workers).where(workers.c.seen_at < now - patience))
    freed = free_lanes(connection, lanes.c.holder.not_in(select(workers.c.id)))
    processes = connection.scalar(select(func.count()).select_from(workers))
    return Heartbeat(processes or 1, freed)


def leave(connection: Connection, worker: str) -> None:
    """Note that a process runs no more lanes."""
    connection.execute(delete(workers).where(workers.c.id == worker))
    free_lanes(connection, lanes.c.holder == worker)
