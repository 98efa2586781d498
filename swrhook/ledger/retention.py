"""Delete what is older than the retention periods, in small steps, but nothing unfinished.

Each step reads a range of a table in the order of ids, which is the order of time, and deletes its
old rows in one short transaction. So deliveries and workers never wait for long.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import accumulate
from typing import Any

from sqlalchemy import Column, Connection, Select, delete, exists, func, select, tuple_

from swrhook.ledger.deduplication import tag_key
from swrhook.ledger.lanes import lock_lanes
from swrhook.ledger.leases import PeriodicLease
from swrhook.ledger.queries.pagination import Condition, in_values, lowest_id
from swrhook.ledger.repair_tables import findings, repairs
from swrhook.ledger.rows import LANE_COLUMNS, to_lane
from swrhook.ledger.service_tables import audit
from swrhook.ledger.tables import (
    OPEN,
    call_tags,
    calls,
    deliveries,
    expansions,
    lanes,
    latest_pushes,
    observations,
    pushes,
    syncs,
)
from swrhook.model import END_STATES, Lane, Push

# The most that one step deletes: rows of its largest table, deliveries, bytes of bodies, calls.
MOST_ROWS = 500
MOST_DELIVERIES = 200
_MOST_BYTES = 4 * 1024 * 1024
_MOST_CALLS = 100
# Sorts before every id.
FIRST = ""


@dataclass(frozen=True, slots=True)
class Step:
    """How many rows of each table a step deleted, and the id after which the next step begins.

    `after` is None when nothing old is left.
    """

    deleted: Mapping[str, int]
    after: str | None


# Deletes a range of what is older than a time, among the ids after the last argument.
Prune = Callable[[PeriodicLease, datetime, str], Step]


def prune_deliveries(work: PeriodicLease, before: datetime, after: str) -> Step:
    """Delete deliveries with their bodies, pushes and latest pushes.

    A delivery is kept whole while one of its syncs is open, or its pushes are not all recorded. One
    with very many pushes takes several steps, and is itself deleted in the last.
    """
    with work.database.read() as connection:
        rows = _up_to_weight(connection.execute(aged_deliveries(before, after)).all(), _MOST_BYTES)
        ids = [row.id for row in rows]
        unfinished = {
            *connection.scalars(unfinished_deliveries(ids)),
            *connection.scalars(expanding_deliveries(ids)),
        }
        finished = sorted(set(ids) - unfinished)
        old_pushes = connection.execute(_pushes_of(finished)).all()
    if not ids:
        return Step({}, None)
    is_complete = len(old_pushes) <= MOST_ROWS
    old_pushes = old_pushes[:MOST_ROWS]
    with work.step() as connection:
        # The conditions are checked again here: an operator may have retried a sync since.
        latest = _delete_latest(connection, old_pushes)
        has_open = exists().where(syncs.c.push == pushes.c.id, OPEN)
        push_ids = [row.id for row in old_pushes]
        pushes_deleted = _delete(connection, pushes.c.id, push_ids, ~has_open)
        is_empty = ~exists().where(pushes.c.delivery == deliveries.c.id)
        delivery_ids = finished if is_complete else []
        deliveries_deleted = _delete(connection, deliveries.c.id, delivery_ids, is_empty)
    deleted = {"latest_pushes": latest, "pushes": pushes_deleted, "deliveries": deliveries_deleted}
    return Step(deleted, ids[-1] if is_complete else after)


def prune_syncs(work: PeriodicLease, before: datetime, after: str) -> Step:
    """Delete syncs that ended before the time, and their lanes if nothing in them is open."""
    with work.database.read() as connection:
        rows = connection.execute(aged_syncs(before, after)).mappings().all()
    if not rows:
        return Step({}, None)
    old_lanes = {to_lane(row) for row in rows}
    with work.step() as connection:
        lock_lanes(connection, old_lanes)  # before their syncs, as everywhere
        ids = [row["id"] for row in rows]
        syncs_deleted = _delete(connection, syncs.c.id, ids, *_ended(before))
        lanes_deleted = _delete_lanes(connection, old_lanes)
    return Step({"syncs": syncs_deleted, "lanes": lanes_deleted}, ids[-1])


def prune_calls(work: PeriodicLease, before: datetime, after: str) -> Step:
    """Delete calls whose syncs have all been deleted."""
    with work.database.read() as connection:
        rows = _up_to_weight(connection.execute(aged_calls(before, after)).all(), MOST_ROWS)
    return _delete_by_id(work, [row.id for row in rows], call_tags.c.call, calls.c.id)


def prune_audit(work: PeriodicLease, before: datetime, after: str) -> Step:
    """Delete rows of the audit log."""
    with work.database.read() as connection:
        ids = connection.scalars(aged_audit(before, after)).all()
    return _delete_by_id(work, ids, audit.c.id)


def prune_repairs(work: PeriodicLease, before: datetime, after: str) -> Step:
    """Delete the findings of a repair that ended before the time, and then the repair.

    A repository's latest findings stay, together with their repair. So does the last scheduled
    repair, which says when the next one is due.
    """
    with work.database.read() as connection:
        repair = connection.scalar(aged_repairs(before, after))
        if repair is None:
            return Step({}, None)
        ids = connection.scalars(outdated_findings(repair)).all()
    is_complete = len(ids) < MOST_ROWS
    with work.step() as connection:
        findings_deleted = _delete(connection, findings.c.id, ids, ~findings.c.latest)
        is_empty = ~exists().where(findings.c.repair == repairs.c.id)
        has_next = exists().where(_next_repairs.c.previous == repairs.c.id)
        is_not_last_scheduled = repairs.c.previous.is_(None) | has_next
        conditions = (is_empty, is_not_last_scheduled)
        repair_ids = [repair] if is_complete else []
        repairs_deleted = _delete(connection, repairs.c.id, repair_ids, *conditions)
    deleted = {"findings": findings_deleted, "repairs": repairs_deleted}
    return Step(deleted, repair if is_complete else after)


def prune_observations(work: PeriodicLease, before: datetime, after: str) -> Step:
    """Delete observations of places that were not observed since.

    The table has no index by time, which each observation would have to change: a step reads a
    range of places.
    """
    with work.database.read() as connection:
        rows = connection.execute(observed_places(after)).all()
    if not rows:
        return Step({}, None)
    old = [tuple(row)[:-1] for row in rows if row.observed_at < before]
    deleted = 0
    if old:
        is_old = (tuple_(*_PLACE).in_(old), observations.c.observed_at < before)
        with work.step() as connection:
            deleted = connection.execute(delete(observations).where(*is_old)).rowcount
    return Step({"observations": deleted}, _SEPARATOR.join(tuple(rows[-1])[:-1]))


_next_repairs = repairs.alias()
_PLACE = [*observations.primary_key.columns]
# In no name of SWR.
_SEPARATOR = "\n"


# The queries of the steps. Each follows an index in the order of ids.


def aged_deliveries(before: datetime, after: str) -> Select[Any]:
    """Return the query for old deliveries, with the sizes of their bodies as `weight`."""
    size = func.coalesce(func.length(deliveries.c.body), 0)
    query = select(deliveries.c.id, size.label("weight"))
    return _aged(query, deliveries.c.received_at, before, after, MOST_DELIVERIES)


def unfinished_deliveries(ids: Sequence[str]) -> Select[Any]:
    """Return the query for those deliveries that have open syncs."""
    query = select(pushes.c.delivery).join(syncs, syncs.c.push == pushes.c.id)
    return query.where(pushes.c.delivery.in_(ids), OPEN).distinct()


def expanding_deliveries(ids: Sequence[str]) -> Select[Any]:
    """Return the query for those deliveries whose pushes are not all recorded."""
    return select(expansions.c.delivery).where(expansions.c.delivery.in_(ids))


def aged_syncs(before: datetime, after: str) -> Select[Any]:
    """Return the query for syncs that ended before the time, with their lanes."""
    query = select(syncs.c.id, *(syncs.c[name] for name in LANE_COLUMNS)).where(*_ended(before))
    return _aged(query, syncs.c.created_at, before, after, MOST_ROWS)


def aged_calls(before: datetime, after: str) -> Select[Any]:
    """Return the query for old calls without syncs, with their numbers of tags as `weight`."""
    has_sync = exists().where(call_tags.c.call == calls.c.id, syncs.c.id == call_tags.c.sync)
    tags = select(func.count()).where(call_tags.c.call == calls.c.id).scalar_subquery()
    query = select(calls.c.id, tags.label("weight")).where(~has_sync)
    return _aged(query, calls.c.started_at, before, after, _MOST_CALLS)


def aged_audit(before: datetime, after: str) -> Select[Any]:
    """Return the query for old rows of the audit log."""
    return _aged(select(audit.c.id), audit.c.at, before, after, MOST_ROWS)


def aged_repairs(before: datetime, after: str) -> Select[Any]:
    """Return the query for the next repair that ended before the time."""
    query = select(repairs.c.id).where(repairs.c.ended_at < before)
    return _aged(query, repairs.c.created_at, before, after, 1)


def outdated_findings(repair: str) -> Select[Any]:
    """Return the query for findings of a repair that a later one has replaced."""
    query = select(findings.c.id).where(findings.c.repair == repair, ~findings.c.latest)
    return query.order_by(findings.c.id).limit(MOST_ROWS)


def observed_places(after: str) -> Select[Any]:
    """Return the query for the places that follow one, with the times of their observations."""
    query = select(*_PLACE, observations.c.observed_at).order_by(*_PLACE).limit(MOST_ROWS)
    if after == FIRST:
        return query
    return query.where(tuple_(*_PLACE) > tuple_(*after.split(_SEPARATOR)))


def _aged(
    query: Select[Any], made_at: Column[datetime], before: datetime, after: str, most: int
) -> Select[Any]:
    # The ids bound the range; `made_at` decides: on PostgreSQL it is the server's time, while
    # ids are made by the clock of a process's machine.
    row_id = made_at.table.c.id
    is_old = (row_id > after, row_id < lowest_id(before), made_at < before)
    return query.where(*is_old).order_by(row_id).limit(most)


def _ended(before: datetime) -> tuple[Condition, Condition]:
    end_states = [state.value for state in END_STATES]
    return in_values(syncs.c.state, end_states), syncs.c.updated_at < before


def _pushes_of(delivery_ids: Sequence[str]) -> Select[Any]:
    """Return the query for the pushes of deliveries: at most one more than a step deletes."""
    names = ("id", "sender", "region", "namespace", "repository", "tag")
    query = select(*(pushes.c[name] for name in names)).where(pushes.c.delivery.in_(delivery_ids))
    return query.limit(MOST_ROWS + 1)


def _up_to_weight(rows: Sequence[Any], most: int) -> list[Any]:
    """Return the first rows whose total `weight` is at most `most`; at least one row."""
    totals = accumulate(row.weight for row in rows)
    fitting = [row for row, total in zip(rows, totals, strict=True) if total <= most]
    return fitting or [*rows[:1]]


def _delete_latest(connection: Connection, old_pushes: Sequence[Any]) -> int:
    """Delete the rows of latest_pushes that still refer to one of these pushes."""
    keys = {tag_key(Push(*row[1:])) for row in old_pushes}
    is_old = latest_pushes.c.push.in_([row.id for row in old_pushes])
    # Locked in the order of keys, as lock_tags does, so that the two cannot deadlock.
    query = select(latest_pushes.c.key).where(latest_pushes.c.key.in_(keys), is_old)
    locked = connection.scalars(query.order_by(latest_pushes.c.key).with_for_update()).all()
    return _delete(connection, latest_pushes.c.key, locked, is_old)


def _delete_lanes(connection: Connection, old_lanes: Iterable[Lane]) -> int:
    """Delete lanes, and their twins with the other override, that have nothing open."""
    keys = [
        replace(lane, override=override).key for lane in old_lanes for override in (False, True)
    ]
    has_open = exists().where(syncs.c.lane == lanes.c.key, OPEN)
    is_idle = (lanes.c.due_at.is_(None), lanes.c.holder.is_(None))
    return _delete(connection, lanes.c.key, keys, *is_idle, ~has_open)


def _delete_by_id(work: PeriodicLease, ids: Sequence[str], *columns: Column[Any]) -> Step:
    """Delete the rows that have one of the ids in a column, table by table."""
    if not ids:
        return Step({}, None)
    with work.step() as connection:
        deleted = {column.table.name: _delete(connection, column, ids) for column in columns}
    return Step(deleted, ids[-1])


def _delete(
    connection: Connection, column: Column[Any], values: Sequence[str], *conditions: Condition
) -> int:
    if not values:
        return 0
    statement = delete(column.table).where(column.in_(values), *conditions)
    return connection.execute(statement).rowcount
