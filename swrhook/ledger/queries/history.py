"""How many syncs arrived and failed in each hour of a day, or on each day of a month.

Each count reads a range of an index and no row, so that it is cheap with a million syncs.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy import Connection, func, select

from swrhook.ledger.database import Database
from swrhook.ledger.queries.overview import FAILING_STATES
from swrhook.ledger.queries.pagination import lowest_id
from swrhook.ledger.tables import syncs
from swrhook.model import State

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
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
    """The counts of the last hours and days, oldest first; the last ones are not over yet."""

    hours: Sequence[SpanCount]
    days: Sequence[SpanCount]


def read_history(database: Database, now: datetime) -> History:
    """Return the counts of whole hours and days, in UTC."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    with database.read() as connection:
        return History(
            count_spans(connection, hour, HOUR, HOURS),
            count_spans(connection, hour.replace(hour=0), DAY, DAYS),
        )


def count_spans(
    connection: Connection, last: datetime, span: timedelta, number: int
) -> list[SpanCount]:
    """Return the counts of so many spans; the last one begins at `last`."""
    starts = [last - step * span for step in range(number - 1, -2, -1)]
    return [
        SpanCount(
            since,
            _count(connection, [State.VERIFIED], since, until),
            _count(connection, FAILING_STATES, since, until),
        )
        for since, until in pairwise(starts)
    ]


def _count(
    connection: Connection, states: Iterable[State], since: datetime, until: datetime
) -> int:
    # State by state: one range of the index each.
    is_between = (syncs.c.id >= lowest_id(since), syncs.c.id < lowest_id(until))
    query = select(func.count()).select_from(syncs).where(*is_between)
    return sum(
        connection.scalar(query.where(syncs.c.state == state.value)) or 0 for state in states
    )
