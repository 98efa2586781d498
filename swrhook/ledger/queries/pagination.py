"""Keyset pagination: a page of a large table, newest first, without reading the rest of it.

Ids sort by time, so the last id of a page is the cursor of the next page. A query follows an index
whose last column is the id, and stops when the page is full. A filter with several values (states,
targets) becomes one such query ("walk") for each value, and their results are merged.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Select, Table, func, select
from ulid_transform import bytes_to_ulid

from swrhook.ledger.queries.views import Item, Page

Condition = ColumnElement[bool]
# Equalities on the first columns of one index, whose next column is the id.
Walk = Sequence[Condition]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
# An id is made just after the time in its row, but the clock may be set back in between.
_SLACK = timedelta(minutes=1)


def newest_ids(
    connection: Connection,
    table: Table,
    walks: Sequence[Walk],
    conditions: Sequence[Condition],
    limit: int,
) -> list[str]:
    """Return the ids of the newest rows of all walks, at most `limit`."""
    ids: list[str] = []
    for walk in walks:
        ids += connection.scalars(walk_query(table, walk, conditions, limit))
    return sorted(ids, reverse=True)[:limit]


def to_page(items: Sequence[Item], *, has_more: bool) -> Page[Item]:
    """Return a page of the items; the id of the last one is the cursor of the next page."""
    return Page(items, items[-1].id if has_more else None)


def walk_query(
    table: Table, walk: Walk, conditions: Sequence[Condition], limit: int
) -> Select[tuple[Any]]:
    """Return the query of one walk."""
    ids = select(table.c.id).where(*walk, *conditions)
    return ids.order_by(table.c.id.desc()).limit(limit)


def in_values(column: Column[str], values: Collection[str]) -> Condition:
    """Return the condition that a column has one of the values, to filter the rows of a walk.

    The expression hides the column from the planner. Otherwise it might choose the column's own
    index instead of the walk's, and would have to read and sort all rows that match.
    """
    return func.coalesce(column, "").in_(sorted(values))


def newer_than(
    table: Table, made_at: Column[datetime], since: datetime | None, cursor: str | None
) -> list[Condition]:
    """Return the conditions that rows are not older than `since`, and come after the cursor."""
    conditions: list[Condition] = []
    if cursor is not None:
        conditions.append(table.c.id < cursor)
    if since is not None:
        conditions += [table.c.id >= lowest_id(since - _SLACK), made_at >= since]
    return conditions


def lowest_id(moment: datetime) -> str:
    """Return the lowest id that can be made at a moment; every older id sorts before it."""
    milliseconds = max((moment - _EPOCH) // _MILLISECOND, 0)
    return bytes_to_ulid(milliseconds.to_bytes(6) + bytes(10))
