"""How many syncs arrived and failed in each hour of a day, or on each day of a month.

Each count reads a range of an index and no row, so that it is cheap with a million syncs.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection, Integer, Select, String, column, func, select, values

from swrhook.ledger.database import Database
from swrhook.ledger.queries.overview import FAILING_STATES
from swrhook.ledger.queries.pagination import lowest_id
from swrhook.ledger.tables import syncs
from swrhook.model import State

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
HOURS, DAYS = 24, 30


@dataclass(frozen=True, slots=True)
class SpanCount:
    """The syncs that were recorded in a span of time: how many are verified, and how many failed.

    One that failed and has a newer sync counts as well: it is about what happened.
    """

    since: datetime
    verified: int
    failed: int


@dataclass(frozen=True, slots=True)
class History:
    """The counts of the last seven days as a whole, and of the last hours and days, oldest first.

    The last hour and day are not over yet.
    """

    week: SpanCount
    hours: Sequence[SpanCount]
    days: Sequence[SpanCount]


def read_history(database: Database, now: datetime) -> History:
    """Return the counts; hours and days are whole ones, in UTC."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    with database.read() as connection:
        [week] = count_spans(connection, [now - WEEK, now + HOUR])
        return History(
            week,
            count_spans(connection, _starts(hour, HOUR, HOURS)),
            count_spans(connection, _starts(hour.replace(hour=0), DAY, DAYS)),
        )


def _starts(last: datetime, span: timedelta, number: int) -> Sequence[datetime]:
    """Return when so many spans begin, the last of them at `last`, and when that one ends."""
    return [last - step * span for step in range(number - 1, -2, -1)]


def count_spans(connection: Connection, starts: Sequence[datetime]) -> list[SpanCount]:
    """Return the counts between each two times that follow one another."""
    ranges = [(since, lowest_id(since), lowest_id(until)) for since, until in pairwise(starts)]
    rows = [
        (place, state.value, first, end)
        for place, (_, first, end) in enumerate(ranges)
        for state in (State.VERIFIED, *FAILING_STATES)
    ]
    counts = Counter[tuple[int, bool]]()
    for place, state, count in connection.execute(_counts_of(rows)):
        counts[place, state == State.VERIFIED] += count
    return [
        SpanCount(since, counts[place, True], counts[place, False])
        for place, (since, _, _) in enumerate(ranges)
    ]


def _counts_of(rows: Sequence[tuple[int, str, str, str]]) -> Select[Any]:
    """Return the query that counts one state in one range of ids for each row."""
    columns = (column("place", Integer), column("state", String))
    span = values(*columns, column("first", String), column("end", String), name="span")
    span_ids = span.data([*rows]).cte("span")
    is_in = (
        syncs.c.state == span_ids.c.state,
        syncs.c.id >= span_ids.c.first,
        syncs.c.id < span_ids.c.end,
    )
    count = select(func.count()).select_from(syncs).where(*is_in).correlate(span_ids)
    return select(span_ids.c.place, span_ids.c.state, count.scalar_subquery())
