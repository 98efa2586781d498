"""Calls of sync_images: claim syncs before a call, settle them after it.

A call may act at the target after it was answered, or although it failed. So the ledger also keeps
which calls of a tag are "open", that is, may still change the tag.
"""

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

# After these errors a call has had no effect. After a transient one SWR may carry it out yet.
_WITHOUT_EFFECT = frozenset(Kind) - {Kind.TRANSIENT}
_INSERT_TAG = insert(call_tags)
_INSERT_CALL = insert(calls)
_END_CALL = PreparedStatement(
    update(calls)
    .where(calls.c.id == bindparam("call_id"))
    .values(
        ended_at=bindparam("now", type_=calls.c.ended_at.type),
        code=bindparam("new_code"),
        message=bindparam("new_message"),
    )
)
_OPEN_DIGESTS = PreparedStatement(
    select(call_tags.c.route, call_tags.c.digest).where(
        call_tags.c.route.in_(bindparam("routes", expanding=True)),
        MAY_ACT,
        call_tags.c.called_at > bindparam("since"),
    )
)
_OPEN_ON_ROUTE = and_(call_tags.c.route == bindparam("on_route"), MAY_ACT)
_CLOSE_UPDATE = update(call_tags).where(_OPEN_ON_ROUTE).values(open=False)
_CLOSE = PreparedStatement(_CLOSE_UPDATE)
_NOT_PRESENT_ANY_MORE = PreparedStatement(
    update(call_tags)
    .where(_OPEN_ON_ROUTE, call_tags.c.already_present, call_tags.c.digest != bindparam("present"))
    .values(already_present=False)
)
_same_digest = call_tags.alias()
_OPEN_WITH_DIGEST = (
    select(func.count())
    .select_from(_same_digest)
    .where(_same_digest.c.route == bindparam("on_route"), MAY_ACT)
    .where(_same_digest.c.digest == bindparam("present"))
    .scalar_subquery()
)
_CLOSE_PROVEN = PreparedStatement(
    _CLOSE_UPDATE.where(
        call_tags.c.digest == bindparam("present"),
        ~call_tags.c.already_present,
        _OPEN_WITH_DIGEST == 1,
    )
)


def claim(
    connection: Connection,
    lane: Lane,
    decided: Sequence[tuple[Sync, Decision]],
    already_present: AbstractSet[str],
    now: datetime,
) -> tuple[str, list[Sync]]:
    """Begin a call; return its id, which is the claim token, and the syncs that were claimed.

    A sync that was cancelled or superseded since it was read is not claimed. `already_present` are
    ids of syncs whose digest the target has before the call: seeing it there proves nothing later.
    """
    call_id = new_id()
    claimed = []
    for sync, decision in decided:
        values = {**decision.values, "claim": call_id, "attempts": sync.attempts + 1}
        claiming = Decision(decision.event, values=values)
        if apply_decision(connection, sync, claiming, now) is State.CALLING:
            claimed.append(replace(sync, state=State.CALLING, updated_at=now, due_at=now, **values))
    if claimed:
        call = {"id": call_id, "lane": lane.key, "started_at": now}
        insert_rows(connection, _INSERT_CALL, [call])
        tags = [
            {
                "call": call_id,
                "sync": sync.id,
                "route": sync.route,
                "digest": sync.called_digest,
                "called_at": now,
                "open": True,
                "already_present": sync.id in already_present,
            }
            for sync in claimed
        ]
        insert_rows(connection, _INSERT_TAG, tags)
    return call_id, claimed


def settle(
    connection: Connection,
    call_id: str,
    decided: Sequence[tuple[Sync, Decision]],
    error: SwrError | None,
    now: datetime,
) -> list[State | None]:
    """End a call with its error, None for 200, and apply the decisions; return the new states.

    None is returned for a sync whose claim was lost to another worker.
    """
    code, message = (None, None) if error is None else (error.code, error.message)
    _END_CALL.run(connection, call_id=call_id, now=now, new_code=code, new_message=message)
    if error is not None and error.kind in _WITHOUT_EFFECT:
        without_effect = call_tags.c.call == call_id
        if error.failed_tags:
            failed = [sync.id for sync, _ in decided if sync.tag in error.failed_tags]
            without_effect &= call_tags.c.sync.in_(failed)
        connection.execute(update(call_tags).where(without_effect).values(open=False))
    return [apply_decision(connection, sync, decision, now) for sync, decision in decided]


def open_digests(
    connection: Connection, routes: Collection[str], since: datetime
) -> dict[str, set[str | None]]:
    """Return, by route, the digests that open calls made since then may still copy.

    None stands for a call that was made without reading the source.
    """
    digests: dict[str, set[str | None]] = {}
    for row in _OPEN_DIGESTS.rows(connection, routes=routes, since=since):
        digests.setdefault(row["route"], set()).add(row["digest"])
    return digests


def close_calls(connection: Connection, route: str, digest: str | None = None) -> None:
    """Close the open calls of a route; with `digest`, only the one that copied it to the target.

    If several open calls have this digest, any of them may have copied it, so none is closed. Nor
    is a call that began when the target had the digest already, until the target has had another
    one in between.
    """
    if digest is None:
        _CLOSE.run(connection, on_route=route)
        return
    _NOT_PRESENT_ANY_MORE.run(connection, on_route=route, present=digest)
    _CLOSE_PROVEN.run(connection, on_route=route, present=digest)
