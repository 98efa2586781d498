"""Lanes: schedule them, lock them, and release them after a run.

A lane is scheduled in the transaction that makes it necessary, so that none is lost.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Self

from sqlalchemy import (
    Connection,
    Integer,
    and_,
    bindparam,
    case,
    false,
    func,
    literal_column,
    select,
    union_all,
    update,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.dml import ReturningInsert

from swrhook.errors import ClaimLost
from swrhook.ledger.bulk_insert import insert_rows
from swrhook.ledger.rows import from_lane
from swrhook.ledger.sql import PreparedStatement, upsert_on
from swrhook.ledger.tables import OPEN, syncs
from swrhook.ledger.tables import lanes as table
from swrhook.model import Lane, Urgency


@dataclass(frozen=True, slots=True)
class Flow:
    """The lanes that wait with one urgency, between two regions, for the syncs of one sender.

    Its text form orders flows by urgency first.
    """

    urgency: Urgency
    source: str
    target: str
    sender: str

    def __str__(self) -> str:
        """Return the form that the ledger stores."""
        return f"{self.urgency:d} {self.source}>{self.target} {self.sender}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the flow of its text form."""
        urgency, regions, sender = text.split(" ", 2)
        source, _, target = regions.partition(">")
        return cls(Urgency(int(urgency)), source, target, sender)

    @classmethod
    def of(cls, lane: Lane, urgency: Urgency, sender: str) -> Self:
        """Return the flow of a lane."""
        return cls(urgency, lane.source_region, lane.target.region, sender)


def schedule_lanes(
    connection: Connection, senders: Mapping[Lane, str], urgency: Urgency, at: datetime
) -> list[Lane]:
    """Make lanes ready now, `at`, for syncs of these senders; return those that were not.

    A lane that is running looks at all its syncs when it is released, so it is left alone. One that
    is ready goes over to the new syncs' flow if they are more urgent or, as urgent, of another
    sender: a lone push must not wait for the many lanes of the sender that was there before.
    """
    by_key = {lane.key: lane for lane in senders}
    # In the order of keys, so that two transactions cannot deadlock.
    rows = [
        _lane_row(lane, str(Flow.of(lane, urgency, senders[lane])), at, ready=True)
        for _, lane in sorted(by_key.items())
    ]
    scheduled = insert_rows(connection, _upsert_ready(connection.dialect.name), rows)
    return [by_key[key] for key in scheduled]


@dataclass(frozen=True, slots=True)
class DueSync:
    """A sync that is due now, by what its lane's place in the queue depends on."""

    lane: Lane
    urgency: Urgency
    sender: str


def schedule_in_order(connection: Connection, syncs_due: Iterable[DueSync], at: datetime) -> None:
    """Make the lanes of syncs ready, `at` for the first and each of the others after it.

    The lanes are locked, see `lock_lanes`.
    """
    first: dict[str, dict[str, object]] = {}
    for sync in syncs_due:
        flow = str(Flow.of(sync.lane, sync.urgency, sync.sender))
        due_at = at + len(first) * timedelta(microseconds=1)
        first.setdefault(sync.lane.key, _lane_row(sync.lane, flow, due_at, ready=True))
    insert_rows(connection, _upsert_ready(connection.dialect.name), list(first.values()))


@cache
def _upsert_ready(database: str) -> ReturningInsert[Any]:
    statement = upsert_on(database, table)
    new = statement.excluded
    one = literal_column("1", Integer)  # insert_rows takes no bound parameters
    urgency, new_urgency = (func.substr(flow, one, one) for flow in (table.c.flow, new.flow))
    goes_over = and_(table.c.flow != new.flow, urgency >= new_urgency)
    return statement.on_conflict_do_update(
        index_elements=[table.c.key],
        set_={
            "flow": new.flow,
            "due_at": case((table.c.ready, table.c.due_at), else_=new.due_at),
            "ready": new.ready,
        },
        where=and_(table.c.holder.is_(None), ~table.c.ready | goes_over),
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
    rows = [_lane_row(lane, None, None, ready=False) for _, lane in sorted(with_twins.items())]
    insert_rows(connection, _INSERT_OR_LOCK, rows)


_INSERT_OR_LOCK = postgresql.insert(table).on_conflict_do_update(
    index_elements=[table.c.key],
    set_={"ready": table.c.ready},
    where=false(),  # changes nothing, but PostgreSQL locks the row all the same
)


def _twin(lane: Lane) -> Lane:
    return replace(lane, override=not lane.override)


def lock_held(connection: Connection, lane: Lane, holder: str) -> None:
    """Lock a lane and its twin for its holder until the transaction ends.

    Raises ClaimLost if the lane was taken from the holder. On SQLite no other process can do that.
    """
    if connection.dialect.name == "sqlite":
        return
    rows = _LOCK_HELD.rows(connection, keys=sorted((lane.key, _twin(lane).key)))
    if {row["key"]: row["holder"] for row in rows}.get(lane.key) != holder:
        raise ClaimLost("another process has taken this lane over")


_LOCK_HELD = PreparedStatement(
    select(table.c.key, table.c.holder)
    .where(table.c.key.in_(bindparam("keys", expanding=True)))
    .order_by(table.c.key)
    .with_for_update()
)


def release_lane(
    connection: Connection, lane: Lane, now: datetime, not_before: datetime | None = None
) -> datetime | None:
    """End a lane's run: schedule it for its most urgent sync, or make it ready if that is due.

    `not_before` postpones all syncs of the lane. Return when the lane is due, None without syncs.
    """
    rows = _FIRST_OF_EACH_URGENCY.rows(connection, lane=lane.key)
    if not rows:
        _RELEASE.run(connection, lane=lane.key, flow=None, at=None, is_ready=False)
        return None
    not_before = not_before or now
    due = [row for row in rows if row["due_at"] <= not_before]
    # Of those that are due the most urgent; without one, the first that will be.
    first = min(due, key=_by_urgency) if due else min(rows, key=_by_due_time)
    due_at: datetime = max(first["due_at"], not_before) if due else first["due_at"]
    flow = str(Flow.of(lane, Urgency(first["urgency"]), first["sender"]))
    _RELEASE.run(connection, lane=lane.key, flow=flow, at=due_at, is_ready=due_at <= now)
    return due_at


def _by_urgency(row: Mapping[str, Any]) -> int:
    urgency: int = row["urgency"]
    return urgency


def _by_due_time(row: Mapping[str, Any]) -> datetime:
    due_at: datetime = row["due_at"]
    return due_at


_FIRST_OF_EACH_URGENCY = PreparedStatement(
    union_all(
        *(
            select(
                select(syncs.c.urgency, syncs.c.due_at, syncs.c.sender)
                .where(syncs.c.lane == bindparam("lane"), OPEN)
                .where(syncs.c.urgency == literal_urgency)
                .order_by(syncs.c.due_at)
                .limit(1)
                .subquery()
            )
            for literal_urgency in map(int, Urgency)
        )
    )
)
_RELEASE = PreparedStatement(
    update(table)
    .where(table.c.key == bindparam("lane"))
    .values(
        flow=bindparam("flow"),
        due_at=bindparam("at", type_=table.c.due_at.type),
        ready=bindparam("is_ready"),
        holder=None,
    )
)


def _lane_row(
    lane: Lane, flow: str | None, due_at: datetime | None, *, ready: bool
) -> dict[str, object]:
    return {"key": lane.key, **from_lane(lane), "flow": flow, "due_at": due_at, "ready": ready}
