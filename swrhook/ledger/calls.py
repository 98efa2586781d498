"""Calls of sync_images: claimed before, settled after, and what they may still do meanwhile."""

from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, and_, bindparam, func, insert, select, update

from swrhook.errors import Kind, SwrError
from swrhook.ledger.bulk_insert import insert_rows
from swrhook.ledger.sql import PreparedStatement
from swrhook.ledger.syncs import apply_decision
from swrhook.ledger.tables import MAY_ACT, call_tags, calls
from swrhook.ledger.types import new_id
from swrhook.model import Lane, State, Sync
from swrhook.syncs.decisions import Decision

# After these the call has surely done nothing; after a transient one it may be carried out yet.
_WITHOUT_EFFECT = frozenset(Kind) - {Kind.TRANSIENT}
_INSERT_TAG = insert(call_tags)
_INSERT_CALL = insert(calls)
_END_CALL = PreparedStatement(
    update(calls)
    .where(calls.c.id == bindparam("of"))
    .values(
        ended_at=bindparam("now", type_=calls.c.ended_at.type),
        code=bindparam("new"),
        message=bindparam("said"),
    )
)
_OPEN_DIGESTS = PreparedStatement(
    select(call_tags.c.route, call_tags.c.digest).where(
        call_tags.c.route.in_(bindparam("routes", expanding=True)),
        MAY_ACT,
        call_tags.c.called_at > bindparam("since"),
    )
)
_OF_ROUTE = and_(call_tags.c.route == bindparam("of"), MAY_ACT)
_CLOSING = update(call_tags).where(_OF_ROUTE).values(open=False)
_CLOSE = PreparedStatement(_CLOSING)
_LET_GO = PreparedStatement(
    update(call_tags)
    .where(_OF_ROUTE, call_tags.c.already_present, call_tags.c.digest != bindparam("came"))
    .values(already_present=False)
)
_OTHERS = call_tags.alias()
_HOW_MANY = (
    select(func.count())
    .select_from(_OTHERS)
    .where(_OTHERS.c.route == bindparam("of"), MAY_ACT)
    .where(_OTHERS.c.digest == bindparam("came"))
    .scalar_subquery()
)
_CLOSE_PROVEN = PreparedStatement(
    _CLOSING.where(
        call_tags.c.digest == bindparam("came"), ~call_tags.c.already_present, _HOW_MANY == 1
    )
)


def claim(
    connection: Connection,
    lane: Lane,
    wanted: Sequence[tuple[Sync, Decision]],
    held: AbstractSet[str],
    now: datetime,
) -> tuple[str, list[Sync]]:
    """Begin a call: return its id, which is the claim token, and the syncs won for it.

    A sync that was cancelled or superseded since it was read is not won. `held` are the ids of
    those whose digest the target holds already, so that the sight of it will prove nothing.
    """
    call = new_id()
    won = []
    for sync, verdict in wanted:
        values = {**verdict.values, "claim": call, "attempts": sync.attempts + 1}
        begun = Decision(verdict.event, values=values)
        if apply_decision(connection, sync, begun, now) is State.CALLING:
            won.append(replace(sync, state=State.CALLING, updated_at=now, due_at=None, **values))
    if won:
        insert_rows(connection, _INSERT_CALL, [{"id": call, "lane": lane.key, "started_at": now}])
        insert_rows(connection, _INSERT_TAG, [_call_tag(call, sync, held, now) for sync in won])
    return call, won


def settle(
    connection: Connection,
    call: str,
    verdicts: Sequence[tuple[Sync, Decision]],
    error: SwrError | None,
    now: datetime,
) -> list[State | None]:
    """End a call: record its answer and apply the verdicts; return the states reached.

    None stands for a sync that this claim no longer holds: a late worker changes nothing.
    """
    code, message = (None, None) if error is None else (error.code, error.message)
    _END_CALL.run(connection, of=call, now=now, new=code, said=message)
    if error is not None and error.kind in _WITHOUT_EFFECT:
        without_effect = call_tags.c.call == call
        if error.failed_tags:
            failed = [sync.id for sync, _ in verdicts if sync.tag in error.failed_tags]
            without_effect &= call_tags.c.sync.in_(failed)
        connection.execute(update(call_tags).where(without_effect).values(open=False))
    return [apply_decision(connection, sync, verdict, now) for sync, verdict in verdicts]


def open_digests(
    connection: Connection, routes: Collection[str], since: datetime
) -> dict[str, set[str | None]]:
    """Return, for each route, the digests that calls made since then may still bring.

    None stands for a call that was made without a look at the source.
    """
    found: dict[str, set[str | None]] = {}
    for row in _OPEN_DIGESTS.rows(connection, routes=routes, since=since):
        found.setdefault(row["route"], set()).add(row["digest"])
    return found


def close_calls(connection: Connection, route: str, digest: str | None = None) -> None:
    """Note that the route's calls, or the one for the digest that has come, can do nothing more.

    Of several calls for the same digest nobody can tell which one has brought it: the others may
    still act, and none is closed. Nor is one that was made while the target held the digest
    anyway, until the target has held another one in between.
    """
    if digest is None:
        _CLOSE.run(connection, of=route)
        return
    _LET_GO.run(connection, of=route, came=digest)
    _CLOSE_PROVEN.run(connection, of=route, came=digest)


def _call_tag(call: str, sync: Sync, held: AbstractSet[str], now: datetime) -> dict[str, object]:
    return {
        "call": call,
        "sync": sync.id,
        "route": sync.route,
        "digest": sync.called_digest,
        "called_at": now,
        "open": True,
        "already_present": sync.id in held,
    }
