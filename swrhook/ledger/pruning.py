"""What has become too old is deleted, in small steps, and never what is unfinished.

Each step reads a stretch of a table in the order of ids, which is that of time, and deletes what
may go in one short transaction, so that who records or works waits for no more than that.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Select, Table, delete, exists, func, select

from swrhook.ledger.lanes import lock_lanes
from swrhook.ledger.leases import PeriodicLease
from swrhook.ledger.queries.pagination import Condition, in_values, lowest_id
from swrhook.ledger.rows import LANE_COLUMNS, to_lane
from swrhook.ledger.tables import (
    OPEN,
    audit,
    call_tags,
    calls,
    deliveries,
    findings,
    lanes,
    latest_pushes,
    pushes,
    repairs,
    syncs,
)
from swrhook.model import END_STATES, Lane

# Rows of the largest of its tables that a step deletes, deliveries that it takes, and their bodies.
MOST_ROWS = 500
_MOST_DELIVERIES = 200
_MOST_BYTES = 4 * 1024 * 1024
_MOST_CALLS = 100
# Less than every id.
FIRST = ""


@dataclass(frozen=True, slots=True)
class Step:
    """How many rows of each table a step deleted, and the id after which the next one goes on.

    `after` is None when the ledger holds nothing more that is old enough.
    """

    deleted: Mapping[str, int]
    after: str | None


# Deletes a stretch of what is older than a time, of the ids after the one given.
Prune = Callable[[PeriodicLease, datetime, str], Step]


def prune_deliveries(work: PeriodicLease, before: datetime, after: str) -> Step:
    """Delete deliveries with their bodies and pushes, and the latest pushes among these.

    A delivery stays whole as long as one of its syncs is open. One of very many pushes goes in
    several steps, itself in the last.
    """
    with work.database.read() as connection:
        found = _first(connection.execute(aged_deliveries(before, after)).all(), _MOST_BYTES)
        ids = [row.id for row in found]
        free = sorted(set(ids) - set(connection.scalars(unfinished_deliveries(ids))))
        announced = connection.execute(_pushes_of(free)).all()
    if not ids:
        return Step({}, None)
    is_whole = len(announced) <= MOST_ROWS
    announced = announced[:MOST_ROWS]
    with work.step() as connection:
        latest = _delete_latest(connection, announced)
        has_open = exists().where(syncs.c.push == pushes.c.id, OPEN)
        gone = _delete(connection, pushes.c.id, [row.id for row in announced], ~has_open)
        is_empty = ~exists().where(pushes.c.delivery == deliveries.c.id)
        whole = _delete(connection, deliveries.c.id, free if is_whole else [], is_empty)
    deleted = {"latest_pushes": latest, "pushes": gone, "deliveries": whole}
    return Step(deleted, ids[-1] if is_whole else after)


def prune_syncs(work: PeriodicLease, before: datetime, after: str) -> Step:
    """Delete syncs that ended before the time, and their lanes when nothing is open there."""
    with work.database.read() as connection:
        found = connection.execute(aged_syncs(before, after)).mappings().all()
    if not found:
        return Step({}, None)
    wanted = {to_lane(row) for row in found}
    with work.step() as connection:
        lock_lanes(connection, wanted)  # first, as everybody does: lanes, then syncs
        gone = _delete(connection, syncs.c.id, [row["id"] for row in found], *_ended(before))
        quiet = _delete_lanes(connection, wanted)
    return Step({"syncs": gone, "lanes": quiet}, found[-1]["id"])


def prune_calls(work: PeriodicLease, before: datetime, after: str) -> Step:
    """Delete calls of which no sync is kept."""
    with work.database.read() as connection:
        found = _first(connection.execute(aged_calls(before, after)).all(), MOST_ROWS)
    if not found:
        return Step({}, None)
    ids = [row.id for row in found]
    with work.step() as connection:
        tags = _delete(connection, call_tags.c.call, ids)
        gone = _delete(connection, calls.c.id, ids)
    return Step({"call_tags": tags, "calls": gone}, ids[-1])


def prune_audit(work: PeriodicLease, before: datetime, after: str) -> Step:
    """Delete what was noted of writes over the API."""
    with work.database.read() as connection:
        ids = connection.scalars(aged_audit(before, after)).all()
    if not ids:
        return Step({}, None)
    with work.step() as connection:
        gone = _delete(connection, audit.c.id, ids)
    return Step({"audit": gone}, ids[-1])


def prune_repairs(work: PeriodicLease, before: datetime, after: str) -> Step:
    """Delete what a repair found that ended before the time, and then the repair itself.

    What is the latest known of a repository stays, with its repair, and so does the last of the
    scheduled ones, by which the next one goes.
    """
    with work.database.read() as connection:
        repair = connection.scalar(aged_repairs(before, after))
        if repair is None:
            return Step({}, None)
        ids = connection.scalars(past_findings(repair)).all()
    is_whole = len(ids) < MOST_ROWS
    with work.step() as connection:
        gone = _delete(connection, findings.c.id, ids, ~findings.c.latest)
        is_empty = ~exists().where(findings.c.repair == repairs.c.id)
        is_dispensable = repairs.c.previous.is_(None) | exists().where(
            _NEXT.c.previous == repairs.c.id
        )
        last = [repair] if is_whole else []
        whole = _delete(connection, repairs.c.id, last, is_empty, is_dispensable)
    return Step({"findings": gone, "repairs": whole}, repair if is_whole else after)


_NEXT = repairs.alias()


# The queries: each follows an index in the order of ids.


def aged_deliveries(before: datetime, after: str) -> Select[Any]:
    """Return the query for a stretch of old deliveries, with the sizes of their bodies."""
    size = func.coalesce(func.length(deliveries.c.body), 0)
    query = select(deliveries.c.id, size.label("weight"))
    return _aged(query, deliveries, deliveries.c.received_at, before, after, _MOST_DELIVERIES)


def unfinished_deliveries(ids: Sequence[str]) -> Select[Any]:
    """Return the query for those of the deliveries that have open syncs."""
    query = select(pushes.c.delivery).join(syncs, syncs.c.push == pushes.c.id)
    return query.where(pushes.c.delivery.in_(ids), OPEN).distinct()


def aged_syncs(before: datetime, after: str) -> Select[Any]:
    """Return the query for a stretch of syncs that ended long ago, with their lanes."""
    query = select(syncs.c.id, *(syncs.c[name] for name in LANE_COLUMNS)).where(*_ended(before))
    return _aged(query, syncs, syncs.c.created_at, before, after, MOST_ROWS)


def aged_calls(before: datetime, after: str) -> Select[Any]:
    """Return the query for a stretch of old calls without a sync, with the numbers of their tags.

    Calls that only a sync of later days keeps are passed over.
    """
    kept = exists().where(call_tags.c.call == calls.c.id, syncs.c.id == call_tags.c.sync)
    of_call = select(func.count()).where(call_tags.c.call == calls.c.id).scalar_subquery()
    query = select(calls.c.id, of_call.label("weight")).where(~kept)
    return _aged(query, calls, calls.c.started_at, before, after, _MOST_CALLS)


def aged_audit(before: datetime, after: str) -> Select[Any]:
    """Return the query for a stretch of what was noted long ago."""
    return _aged(select(audit.c.id), audit, audit.c.at, before, after, MOST_ROWS)


def aged_repairs(before: datetime, after: str) -> Select[Any]:
    """Return the query for the next repair that ended long ago."""
    query = select(repairs.c.id).where(repairs.c.ended_at < before)
    return _aged(query, repairs, repairs.c.created_at, before, after, 1)


def past_findings(repair: str) -> Select[Any]:
    """Return the query for some of what a repair found, and a later one has seen again."""
    query = select(findings.c.id).where(findings.c.repair == repair, ~findings.c.latest)
    return query.order_by(findings.c.id).limit(MOST_ROWS)


def _aged(
    query: Select[Any],
    table: Table,
    made_at: Column[datetime],
    before: datetime,
    after: str,
    most: int,
) -> Select[Any]:
    old = (table.c.id > after, table.c.id < lowest_id(before), made_at < before)
    return query.where(*old).order_by(table.c.id).limit(most)


def _ended(before: datetime) -> tuple[Condition, Condition]:
    return in_values(
        syncs.c.state, [state.value for state in END_STATES]
    ), syncs.c.updated_at < before


def _pushes_of(delivery_ids: Sequence[str]) -> Select[Any]:
    """Return the query for the pushes of deliveries, and one more than a step takes."""
    names = ("id", "sender", "namespace", "repository", "tag")
    query = select(*(pushes.c[name] for name in names)).where(pushes.c.delivery.in_(delivery_ids))
    return query.limit(MOST_ROWS + 1)


def _first(found: Sequence[Any], most: int) -> list[Any]:
    """Return the first rows that together weigh no more than that; at least one."""
    total = 0
    taken: list[Any] = []
    for row in found:
        total += row.weight
        if taken and total > most:
            break
        taken.append(row)
    return taken


def _delete_latest(connection: Connection, announced: Sequence[Any]) -> int:
    """Delete what deduplication knew of tags, where it was one of these pushes."""
    keys = {f"{row.sender} {row.namespace}/{row.repository}:{row.tag}" for row in announced}
    is_among = latest_pushes.c.push.in_([row.id for row in announced])
    # In the order of keys, as those who record lock them.
    locked = select(latest_pushes.c.key).where(latest_pushes.c.key.in_(keys), is_among)
    found = connection.scalars(locked.order_by(latest_pushes.c.key).with_for_update()).all()
    return _delete(connection, latest_pushes.c.key, found, is_among)


def _delete_lanes(connection: Connection, wanted: Iterable[Lane]) -> int:
    """Delete lanes, and their twins of the other override, that wait for nothing."""
    keys = [replace(lane, override=way).key for lane in wanted for way in (False, True)]
    has_open = exists().where(syncs.c.lane == lanes.c.key, OPEN)
    return _delete(connection, lanes.c.key, keys, lanes.c.wake_at.is_(None), ~has_open)


def _delete(
    connection: Connection, column: Column[Any], values: Sequence[str], *conditions: Condition
) -> int:
    if not values:
        return 0
    statement = delete(column.table).where(column.in_(values), *conditions)
    return connection.execute(statement).rowcount
