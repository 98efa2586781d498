"""Calls of sync_images: claimed before, settled after, and what they may still do meanwhile."""

from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, func, insert, select, update

from swrhook.errors import Kind, SwrError
from swrhook.ledger.ids import new_id
from swrhook.ledger.moving import move
from swrhook.ledger.tables import call_tags, calls
from swrhook.model import Lane, State, Sync
from swrhook.verdict import Verdict

# After these the call has surely done nothing; after a transient one it may be carried out yet.
_WITHOUT_EFFECT = frozenset(Kind) - {Kind.TRANSIENT}


def claim(
    connection: Connection,
    lane: Lane,
    wanted: Sequence[tuple[Sync, Verdict]],
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
        begun = Verdict(verdict.event, values=values)
        if move(connection, sync, begun, now) is State.CALLING:
            won.append(replace(sync, state=State.CALLING, updated_at=now, due_at=None, **values))
    if won:
        connection.execute(insert(calls), {"id": call, "lane": lane.key, "started_at": now})
        connection.execute(insert(call_tags), [_call_tag(call, sync, held, now) for sync in won])
    return call, won


def settle(
    connection: Connection,
    call: str,
    verdicts: Sequence[tuple[Sync, Verdict]],
    error: SwrError | None,
    now: datetime,
) -> list[State | None]:
    """End a call: record its answer and apply the verdicts; return the states reached.

    None stands for a sync that this claim no longer holds: a late worker changes nothing.
    """
    connection.execute(
        update(calls)
        .where(calls.c.id == call)
        .values(
            ended_at=now,
            code=None if error is None else error.code,
            message=None if error is None else error.message,
        )
    )
    if error is not None and error.kind in _WITHOUT_EFFECT:
        without_effect = call_tags.c.call == call
        if error.failed_tags:
            failed = [sync.id for sync, _ in verdicts if sync.tag in error.failed_tags]
            without_effect &= call_tags.c.sync.in_(failed)
        connection.execute(update(call_tags).where(without_effect).values(open=False))
    return [move(connection, sync, verdict, now) for sync, verdict in verdicts]


def open_digests(
    connection: Connection, routes: Collection[str], since: datetime
) -> dict[str, set[str | None]]:
    """Return, for each route, the digests that calls made since then may still bring.

    None stands for a call that was made without a look at the source.
    """
    rows = connection.execute(
        select(call_tags.c.route, call_tags.c.digest).where(
            call_tags.c.route.in_(routes), call_tags.c.open, call_tags.c.called_at > since
        )
    )
    found: dict[str, set[str | None]] = {}
    for row in rows:
        found.setdefault(row.route, set()).add(row.digest)
    return found


def close_calls(connection: Connection, route: str, digest: str | None = None) -> None:
    """Note that the route's calls, or the one for the digest that has come, can do nothing more.

    Of several calls for the same digest nobody can tell which one has brought it: the others may
    still act, and none is closed. Nor is one that was made while the target held the digest
    anyway, until the target has held another one in between.
    """
    statement = update(call_tags).where(call_tags.c.route == route, call_tags.c.open)
    if digest is not None:
        others = call_tags.alias()
        same = (others.c.route == route) & others.c.open & (others.c.digest == digest)
        how_many = select(func.count()).select_from(others).where(same).scalar_subquery()
        others_held = (call_tags.c.route == route) & call_tags.c.open & call_tags.c.held
        connection.execute(
            update(call_tags).where(others_held, call_tags.c.digest != digest).values(held=False)
        )
        unproven = call_tags.c.digest == digest
        statement = statement.where(unproven, ~call_tags.c.held, how_many == 1)
    connection.execute(statement.values(open=False))


def _call_tag(call: str, sync: Sync, held: AbstractSet[str], now: datetime) -> dict[str, object]:
    return {
        "call": call,
        "sync": sync.id,
        "route": sync.route,
        "digest": sync.called_digest,
        "called_at": now,
        "open": True,
        "held": sync.id in held,
    }
