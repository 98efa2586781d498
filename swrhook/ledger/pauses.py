"""Pauses: begin and end them, hold the syncs of rules and senders, and release these afterwards.

The lanes of a region that is paused are not taken, and wait untouched. A rule's or sender's syncs
share lanes with others: a lane that is taken puts them aside, so that it does not come back for
them, and when the pause has ended they are released in portions, the oldest first.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Text,
    bindparam,
    case,
    delete,
    literal,
    null,
    select,
    tuple_,
    update,
)
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from swrhook import logs
from swrhook.ledger.database import after_commit
from swrhook.ledger.lanes import DueSync, lock_lanes, schedule_in_order
from swrhook.ledger.queries.pagination import lowest_id
from swrhook.ledger.rows import LANE_COLUMNS, group, to_lane
from swrhook.ledger.sql import PreparedStatement, put
from swrhook.ledger.tables import OPEN, PAUSED, syncs
from swrhook.ledger.tables import pauses as table
from swrhook.model import OPEN_STATES, State, Sync, Urgency
from swrhook.syncs.pauses import Pause, Paused, PauseKind, Pauses

# Syncs that are released in one transaction.
MOST_RELEASED = 256
# When a held sync is due: never by itself.
HELD_UNTIL = datetime(9999, 1, 1, tzinfo=UTC)
# An ended pause is remembered for so long, because deadlines begin anew after it.
_REMEMBERED_FOR = timedelta(days=30)


def begin_pause(connection: Connection, pause: Pause) -> Pause:
    """Begin a pause, or change the one that lasts; return it."""
    key = {"kind": pause.kind.value, "name": pause.name}
    lasting = list_pauses(connection, pause.paused)
    since = lasting[0].since if lasting else pause.since
    values: dict[str, Any] = {
        "since": since,
        "until": pause.until,
        "by": pause.by,
        "reason": pause.reason,
        "ended_at": None,
        "holding": pause.kind is not PauseKind.REGION,
    }
    put(connection, table, key, values)
    until = None if pause.until is None else pause.until.isoformat(timespec="seconds")
    facts = {"until": until, "by": pause.by, "reason": pause.reason}
    after_commit(connection, lambda: logs.event("pause.began", paused=str(pause.paused), **facts))
    return replace(pause, since=since)


def end_pause(connection: Connection, paused: Paused, now: datetime) -> Pause | None:
    """End a pause that lasts; return it, or None if there is none."""
    lasting = next(iter(list_pauses(connection, paused)), None)
    statement = update(table).where(_is(paused), table.c.ended_at.is_(None))
    if lasting is None or not connection.execute(statement.values(ended_at=now)).rowcount:
        return None
    _log_ends(connection, [lasting])
    return lasting


def list_pauses(connection: Connection, paused: Paused | None = None) -> list[Pause]:
    """Return the pauses that last, or the one of this name, by kind and name."""
    rows = _LASTING.rows(connection)
    pauses = [_to_pause(row) for row in rows]
    return [pause for pause in pauses if paused in (None, pause.paused)]


def recent_pauses(connection: Connection, since: datetime) -> list[Pause]:
    """Return the pauses that last, or have ended since then: lateness begins anew after them."""
    return [
        _to_pause(row)
        for row in _ALL.rows(connection)
        if row["ended_at"] is None or row["ended_at"] > since
    ]


def ended_pauses(connection: Connection, after: str, before: str) -> list[Pause]:
    """Return the pauses that ended between the times of two ids."""
    return [
        _to_pause(row)
        for row in _ALL.rows(connection)
        if row["ended_at"] is not None and after <= lowest_id(row["ended_at"]) < before
    ]


@dataclass(frozen=True, slots=True)
class TakenPauses(Pauses):
    """The pauses while a lane is taken; `is_releasing`: syncs of an ended one are still held."""

    is_releasing: bool = False


def advance_pauses(connection: Connection, now: datetime) -> TakenPauses:
    """End the pauses whose time is over, release some syncs of those that have ended; return all.

    The caller has locked the queue: nobody holds syncs for a pause that is ending meanwhile.
    """
    rows = _ALL.rows(connection)
    overdue = [_to_pause(row) for row in rows if _is_overdue(row, now)]
    if overdue:
        _log_ends(connection, overdue)
        connection.execute(_END_OVERDUE, {"now": now})
        rows = _ALL.rows(connection)
    lasting, ended = (
        {_to_paused(row): row for row in rows if (row["ended_at"] is not None) is has_ended}
        for has_ended in (False, True)
    )
    releasing = [paused for paused, row in ended.items() if row["holding"]]
    if releasing:
        _release(connection, releasing[0], now)
    elif any(row["ended_at"] < now - _REMEMBERED_FOR for row in ended.values()):
        connection.execute(delete(table).where(table.c.ended_at < now - _REMEMBERED_FOR))
    return TakenPauses(
        {paused: _to_pause(row) for paused, row in lasting.items()},
        {paused: row["ended_at"] for paused, row in ended.items()},
        is_releasing=bool(releasing),
    )


def read_pauses(connection: Connection) -> Pauses:
    """Return the pauses that last."""
    return Pauses({pause.paused: pause for pause in list_pauses(connection)})


def is_not_paused(
    pauses: Iterable[Pause], columns: ReadOnlyColumnCollection[str, Any]
) -> list[ColumnElement[bool]]:
    """Return the conditions of syncs, given by columns, that none of the pauses holds back."""
    of_kind = {
        PauseKind.REGION: (columns["source_region"], columns["target_region"]),
        PauseKind.RULE: (columns["rule"],),
        PauseKind.SENDER: (columns["sender"],),
    }
    return [column != pause.name for pause in pauses for column in of_kind[pause.kind]]


def hold_syncs(connection: Connection, due: Sequence[Sync], pauses: Pauses) -> list[Sync]:
    """Hold the syncs of rules and senders that are paused; return the others.

    A `calling` one was left behind by a worker that died; that is settled first.
    """
    of_origin = {
        sync.id: pauses.of_origin(sync.rule, sync.sender)
        for sync in due
        if sync.state is not State.CALLING
    }
    ids_by_pause = group(
        (pause.paused, sync) for sync, pause in of_origin.items() if pause is not None
    )
    for paused, ids in ids_by_pause.items():
        _HOLD.run(connection, ids=ids, of_pause=str(paused), held_until=HELD_UNTIL)
    return [sync for sync in due if of_origin.get(sync.id) is None]


def _release(connection: Connection, paused: Paused, now: datetime) -> None:
    """Release some of the syncs that are held for a pause, the oldest first."""
    rows = _HELD.rows(connection, of_pause=str(paused), most=MOST_RELEASED)
    if rows:
        lock_lanes(connection, map(to_lane, rows))  # before their syncs, as everywhere
        _RELEASE.run(connection, ids=[row["id"] for row in rows], at=now)
        is_open = (row for row in rows if State(row["state"]) in OPEN_STATES)
        schedule_in_order(connection, map(_to_due_sync, is_open), now)
    if len(rows) < MOST_RELEASED:
        connection.execute(update(table).where(_is(paused)).values(holding=False))


def _log_ends(connection: Connection, pauses: Sequence[Pause]) -> None:
    def log() -> None:
        for pause in pauses:
            logs.event("pause.ended", paused=str(pause.paused))

    after_commit(connection, log)


def _is(paused: Paused) -> ColumnElement[bool]:
    return (table.c.kind == paused.kind.value) & (table.c.name == paused.name)


def _is_overdue(row: Mapping[str, Any], now: datetime) -> bool:
    return row["ended_at"] is None and row["until"] is not None and row["until"] <= now


def _to_paused(row: Mapping[str, Any]) -> Paused:
    return Paused(PauseKind(row["kind"]), row["name"])


def _to_pause(row: Mapping[str, Any]) -> Pause:
    values = {name: row[name] for name in ("name", "since", "until", "by", "reason")}
    return Pause(kind=PauseKind(row["kind"]), **values)


def _to_due_sync(row: Mapping[str, Any]) -> DueSync:
    return DueSync(to_lane(row), Urgency(row["urgency"]), row["sender"])


_ALL = PreparedStatement(select(table).order_by(table.c.kind, table.c.name))
_LASTING = PreparedStatement(
    select(table).where(table.c.ended_at.is_(None)).order_by(table.c.kind, table.c.name)
)
_INSTANT = table.c.until.type
_NOW = bindparam("now", type_=_INSTANT)
_END_OVERDUE = (
    update(table).where(table.c.ended_at.is_(None), table.c.until <= _NOW).values(ended_at=_NOW)
)
_HOLD = PreparedStatement(
    update(syncs)
    .where(syncs.c.id.in_(bindparam("ids", expanding=True)), OPEN)
    .values(paused_by=bindparam("of_pause"), due_at=bindparam("held_until", type_=_INSTANT))
)
# Written as a range: with `paused_by = …`, PostgreSQL may walk along the ids of all syncs instead.
_POSITION, _OF_PAUSE = tuple_(syncs.c.paused_by, syncs.c.id), bindparam("of_pause", type_=Text)
_HELD = PreparedStatement(
    select(
        *(syncs.c[name] for name in ("id", "sender", "state", "urgency", *LANE_COLUMNS)),
    )
    .where(PAUSED, _POSITION >= tuple_(_OF_PAUSE, literal("")))  # noqa: SIM300  # columns
    .where(_POSITION < tuple_(_OF_PAUSE, literal("Z")))  # noqa: SIM300  # after every id
    .order_by(syncs.c.paused_by, syncs.c.id)
    .limit(bindparam("most", type_=Integer))
)
_RELEASE = PreparedStatement(
    update(syncs)
    .where(syncs.c.id.in_(bindparam("ids", expanding=True)))
    .values(
        paused_by=null(),
        due_at=case((OPEN, bindparam("at", type_=_INSTANT)), else_=syncs.c.due_at),
    )
)
