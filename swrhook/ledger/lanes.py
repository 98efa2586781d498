"""When lanes are to run: their times stand in the ledger, in the transaction that set them."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, bindparam, false, func, or_, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.dml import ReturningInsert

from swrhook.ledger.bulk_insert import insert_rows
from swrhook.ledger.rows import LANE_COLUMNS, to_lane
from swrhook.ledger.sql import PreparedStatement, upsert_on
from swrhook.ledger.tables import OPEN, lanes, syncs
from swrhook.model import Lane

# A sync without a time is in a call; seen from outside one, it was left behind and is due at once.
_DUE_AT = func.coalesce(syncs.c.due_at, syncs.c.updated_at)


def schedule_lanes(connection: Connection, wanted: Iterable[Lane], at: datetime) -> list[Lane]:
    """Note that the lanes are to run at this time; return those not woken for then or sooner."""
    by_key = {lane.key: lane for lane in wanted}
    if not by_key:
        return []
    # In the order of keys, so that two transactions never wait for each other.
    rows = [_lane_row(by_key[key], at) for key in sorted(by_key)]
    woken = insert_rows(connection, _wake(connection.dialect.name), rows)
    return [by_key[key] for key in woken]


@cache
def _wake(database: str) -> ReturningInsert[Any]:
    statement = upsert_on(database, lanes)
    sooner = or_(lanes.c.wake_at.is_(None), lanes.c.wake_at > statement.excluded.wake_at)
    return statement.on_conflict_do_update(
        index_elements=[lanes.c.key],
        set_={"wake_at": statement.excluded.wake_at},
        where=sooner,
    ).returning(lanes.c.key)


def lock_lanes(connection: Connection, wanted: Iterable[Lane]) -> None:
    """Lock the lanes, and their twins of the other override, until the transaction ends.

    Whoever is about to change syncs of a lane holds it first, so that transactions on one image
    and target come one after the other, each sees what the one before it did, and none waits for
    another in a circle. On SQLite the one writer holds them all.
    """
    if connection.dialect.name == "sqlite":
        return
    twins = {lane.key: lane for each in wanted for lane in (each, _twin(each))}
    if not twins:
        return
    rows = [_lane_row(twins[key], None) for key in sorted(twins)]
    insert_rows(connection, _HOLD, rows)


_HOLD = postgresql.insert(lanes).on_conflict_do_update(
    index_elements=[lanes.c.key],
    set_={"wake_at": lanes.c.wake_at},
    where=false(),  # nothing is written, but the row is locked
)


def _twin(lane: Lane) -> Lane:
    return replace(lane, override=not lane.override)


def reschedule(connection: Connection, lane: Lane) -> datetime | None:
    """Set the lane's next time from its open syncs and return it; None when it has none."""
    # The lane's row first: what is recorded meanwhile is either seen here, or sees the time set
    # here and wakes the lane itself.
    if connection.dialect.name != "sqlite":  # whose one writer needs no row to lock
        _LOCK.run(connection, lane=lane.key)
    due_at: datetime | None = _FIRST_DUE.scalar(connection, lane=lane.key)
    set_wake_time(connection, lane, due_at)
    return due_at


_LOCK = PreparedStatement(
    select(lanes.c.key).where(lanes.c.key == bindparam("lane")).with_for_update()
)
_FIRST_DUE = PreparedStatement(
    select(func.min(_DUE_AT)).where(syncs.c.lane == bindparam("lane"), OPEN)
)
_SET = PreparedStatement(
    update(lanes)
    .where(lanes.c.key == bindparam("lane"))
    .values(wake_at=bindparam("at", type_=lanes.c.wake_at.type))
)


def set_wake_time(connection: Connection, lane: Lane, wake_at: datetime | None) -> None:
    """Note that the lane is to run at this time and not before, unless it is woken."""
    _SET.run(connection, lane=lane.key, at=wake_at)


def clear_wake_times(connection: Connection) -> None:
    """Note that no lane is woken: the process that was to run them is gone."""
    connection.execute(update(lanes).where(lanes.c.wake_at.is_not(None)).values(wake_at=None))


def unfinished_lanes(connection: Connection) -> list[tuple[Lane, datetime]]:
    """Return every lane with open syncs and when it is due: what a start has to re-arm."""
    columns = [syncs.c[name] for name in LANE_COLUMNS]
    rows = connection.execute(select(*columns, func.min(_DUE_AT)).where(OPEN).group_by(*columns))
    return [(to_lane(row._mapping), row[-1]) for row in rows]  # noqa: SLF001  # SQLAlchemy's name


def _lane_row(lane: Lane, at: datetime | None) -> dict[str, object]:
    return {
        "key": lane.key,
        "source_region": lane.source_region,
        "namespace": lane.namespace,
        "repository": lane.repository,
        "target_region": lane.target.region,
        "target_namespace": lane.target.namespace,
        "override": lane.override,
        "wake_at": at,
    }
