"""Lanes: lock them, and schedule when the engine runs them next (`wake_at`).

The time is set in the transaction that makes it necessary, so that none is lost.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, bindparam, false, func, or_, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.dml import ReturningInsert

from swrhook.ledger.bulk_insert import insert_rows
from swrhook.ledger.rows import LANE_COLUMNS, from_lane, to_lane
from swrhook.ledger.sql import PreparedStatement, upsert_on
from swrhook.ledger.tables import OPEN, syncs
from swrhook.ledger.tables import lanes as table
from swrhook.model import Lane

# A `calling` sync has no due time. Seen from outside its call it was left behind by a worker that
# died, and is due at once.
_DUE_AT = func.coalesce(syncs.c.due_at, syncs.c.updated_at)


def schedule_lanes(connection: Connection, lanes: Iterable[Lane], at: datetime) -> list[Lane]:
    """Schedule lanes for a time; return those that were not scheduled for then or sooner."""
    by_key = {lane.key: lane for lane in lanes}
    if not by_key:
        return []
    # In the order of keys, so that two transactions cannot deadlock.
    rows = [_lane_row(by_key[key], at) for key in sorted(by_key)]
    scheduled = insert_rows(connection, _upsert_sooner(connection.dialect.name), rows)
    return [by_key[key] for key in scheduled]


@cache
def _upsert_sooner(database: str) -> ReturningInsert[Any]:
    statement = upsert_on(database, table)
    new_time = statement.excluded.wake_at
    return statement.on_conflict_do_update(
        index_elements=[table.c.key],
        set_={"wake_at": new_time},
        where=or_(table.c.wake_at.is_(None), table.c.wake_at > new_time),
    ).returning(table.c.key)


def lock_lanes(connection: Connection, lanes: Iterable[Lane]) -> None:
    """Lock lanes, and their twins with the other override, until the transaction ends.

    Transactions that change syncs lock their lanes first; only the cancellation of a repair does
    not. So transactions on the same image and target run one after the other, each sees the
    changes of the one before it, and no two deadlock. On SQLite there is only one writer anyway.
    """
    if connection.dialect.name == "sqlite":
        return
    with_twins = {lane.key: lane for one in lanes for lane in (one, _twin(one))}
    if not with_twins:
        return
    rows = [_lane_row(with_twins[key], None) for key in sorted(with_twins)]
    insert_rows(connection, _INSERT_OR_LOCK, rows)


_INSERT_OR_LOCK = postgresql.insert(table).on_conflict_do_update(
    index_elements=[table.c.key],
    set_={"wake_at": table.c.wake_at},
    where=false(),  # changes nothing, but PostgreSQL locks the row all the same
)


def _twin(lane: Lane) -> Lane:
    return replace(lane, override=not lane.override)


def reschedule(connection: Connection, lane: Lane) -> datetime | None:
    """Schedule a lane for the first due time of its open syncs; return it, None without any."""
    # Lock the row before reading the syncs: a concurrent transaction that records one has either
    # committed, and is read here; or it waits, sees the time set here, and sets a sooner one.
    if connection.dialect.name != "sqlite":  # SQLite's only writer needs no row to lock
        _LOCK.run(connection, lane=lane.key)
    due_at: datetime | None = _FIRST_DUE.scalar(connection, lane=lane.key)
    set_wake_time(connection, lane, due_at)
    return due_at


_LOCK = PreparedStatement(
    select(table.c.key).where(table.c.key == bindparam("lane")).with_for_update()
)
_FIRST_DUE = PreparedStatement(
    select(func.min(_DUE_AT)).where(syncs.c.lane == bindparam("lane"), OPEN)
)
_SET_WAKE_AT = PreparedStatement(
    update(table)
    .where(table.c.key == bindparam("lane"))
    .values(wake_at=bindparam("at", type_=table.c.wake_at.type))
)


def set_wake_time(connection: Connection, lane: Lane, wake_at: datetime | None) -> None:
    """Schedule a lane for a time, whatever it was scheduled for; None: not at all."""
    _SET_WAKE_AT.run(connection, lane=lane.key, at=wake_at)


def clear_wake_times(connection: Connection) -> None:
    """Unschedule all lanes: the process whose engine was to run them is gone."""
    connection.execute(update(table).where(table.c.wake_at.is_not(None)).values(wake_at=None))


def unfinished_lanes(connection: Connection) -> list[tuple[Lane, datetime]]:
    """Return every lane with open syncs and when it is due; an engine starts from these."""
    columns = [syncs.c[name] for name in LANE_COLUMNS]
    rows = connection.execute(select(*columns, func.min(_DUE_AT)).where(OPEN).group_by(*columns))
    return [(to_lane(row._mapping), row[-1]) for row in rows]  # noqa: SLF001  # SQLAlchemy's name


def _lane_row(lane: Lane, wake_at: datetime | None) -> dict[str, object]:
    return {"key": lane.key, **from_lane(lane), "wake_at": wake_at}
