"""Keyset pagination: a page of a large table, newest first, without reading the rest of it.

Ids sort by time, so the last id of a page is the cursor of the next page. A query follows an index
whose last column is the id, and stops when the page is full. A filter with several values (states,
targets) becomes one such query ("walk") for each value, and their results are merged.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Column, ColumnElement, Connection, Table, TextClause, func, select, tuple_
from ulid_transform import bytes_to_ulid

from swrhook.ledger.queries.views import ImageFilter, PageFilter
from swrhook.ledger.tables import syncs
from swrhook.model import State

Condition = ColumnElement[bool]
# Equalities on the first columns of one index, whose next column is the id.
Walk = Sequence[Condition | TextClause]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_LAST = "Z"  # after every id
# An id is made just after the time in its row, but the clock may be set back in between.
_SLACK = timedelta(minutes=1)


def page_ids(
    connection: Connection,
    table: Table,
    filters: PageFilter,
    walks: Iterable[Walk],
    conditions: Sequence[Condition],
    *,
    sort: bool = False,
) -> tuple[Sequence[str], str | None]:
    """Return the ids of a page's rows, newest first, and the cursor of the next page.

    `sort`: the walks are not in the order of the ids. Their rows are read along their own index,
    even if another one is in that order.
    """
    order = func.coalesce(table.c.id, "") if sort else table.c.id
    query = select(table.c.id).order_by(order.desc()).limit(filters.limit + 1)
    if filters.cursor is not None:
        query = query.where(table.c.id < filters.cursor)
    ids: list[str] = []
    for walk in walks:
        ids += connection.scalars(query.where(*walk, *conditions))
    page = sorted(ids, reverse=True)[: filters.limit]
    return page, page[-1] if len(ids) > filters.limit else None


def image_walk(table: Table, image: ImageFilter) -> Walk:
    """Return the walk through the rows of a repository, or of one of its tags."""
    names = ("namespace", "repository") if image.tag is None else ("namespace", "repository", "tag")
    walk: list[Condition] = [table.c[name] == getattr(image, name) for name in names]
    if image.tag_prefix:
        walk.append(table.c.tag.startswith(image.tag_prefix, autoescape=True))
    return walk


def state_walk(state: State, after: str = "", before: str = _LAST) -> Walk:
    """Return the walk through the syncs in a state, with ids from `after` to before `before`.

    Order it by the state, too. With `state = …` and a limit, PostgreSQL may walk along the ids of
    all syncs instead, and pass over a million ended ones to find the oldest open one.
    """
    position = tuple_(syncs.c.state, syncs.c.id)
    return [position >= (state.value, after), position < (state.value, before)]


def equals(column: Column[str], value: str | None) -> list[Condition]:
    """Return the condition that a column has the value, like `in_values`; none for None."""
    return [] if value is None else [in_values(column, [value])]


def in_values(column: Column[str], values: Collection[str]) -> Condition:
    """Return the condition that a column has one of the values, to filter the rows of a walk.

    The expression hides the column from the planner. Otherwise it might choose the column's own
    index instead of the walk's, and would have to read and sort all rows that match.
    """
    return func.coalesce(column, "").in_(sorted(values))


def newer_than(table: Table, made_at: Column[datetime], since: datetime | None) -> list[Condition]:
    """Return the conditions that rows are not older than `since`; none for None."""
    if since is None:
        return []
    return [table.c.id >= lowest_id_since(since), made_at >= since]


def lowest_id_since(since: datetime) -> str:
    """Return the lowest id of rows that are not older than `since`."""
    return lowest_id(since - _SLACK)


def distinct(connection: Connection, column: Column[str], *within: Condition) -> Iterable[str]:
    """Yield a column's distinct values: one step in its index for each. DISTINCT would scan it."""
    lowest = select(func.min(column)).where(*within)
    value = connection.scalar(lowest)
    while value is not None:
        yield value
        value = connection.scalar(lowest.where(column > value))


def lowest_id(moment: datetime) -> str:
    """Return the lowest id that can be made at a moment; every older id sorts before it."""
    milliseconds = max((moment - _EPOCH) // _MILLISECOND, 0)
    return bytes_to_ulid(milliseconds.to_bytes(6) + bytes(10))
