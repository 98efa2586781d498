"""What the dashboard's first page asks: what is open, late or failing, and how senders have been.

Every question looks at so many rows at most, along an index: a ledger with a million syncs answers
as soon as a small one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Subquery, func, select

from swrhook.ledger.queries.pagination import lowest_id, window
from swrhook.ledger.queries.syncs import is_followed
from swrhook.ledger.tables import deliveries, syncs
from swrhook.model import OPEN_STATES, Outcome, State

# A pile is counted up to here; beyond, it is «more than».
MOST_COUNTED = 1000
MOST_DELIVERIES = 200
# How long an ended sync counts, if nothing newer has taken its place.
FAILURES_SINCE = timedelta(days=7)
FAILING_STATES = (State.REJECTED, State.EXHAUSTED, State.MISSING, State.DIVERGED)
_HOURS = 24
_SAMPLE = 200


@dataclass(frozen=True, slots=True)
class Pile:
    """Syncs of one state towards one region, and the reason of one of them.

    `is_more`: the state has more than were counted.
    """

    state: str
    target_region: str
    count: int
    oldest: datetime
    example: str | None
    is_more: bool


@dataclass(frozen=True, slots=True)
class Took:
    """A verified sync: when it was recorded, and the seconds to its proof."""

    target_region: str
    recorded_at: datetime
    seconds: float


def open_piles(connection: Connection, late_before: datetime | None = None) -> list[Pile]:
    """Return the open syncs, oldest first; only those recorded before `late_before`."""
    late = [] if late_before is None else [syncs.c.id < lowest_id(late_before)]
    return [
        pile
        for state in sorted(OPEN_STATES)
        for pile in _piles(connection, _candidates(state, late, syncs.c.id.asc()))
    ]


def held_up_piles(connection: Connection) -> list[Pile]:
    """Return those of the oldest open syncs that wait because what they need has failed."""
    found = []
    for state in sorted(OPEN_STATES):
        candidates = _candidates(state, [], syncs.c.id.asc())
        found += _piles(connection, candidates, candidates.c.failing_since.is_not(None))
    return found


def failing_piles(connection: Connection, now: datetime) -> list[Pile]:
    """Return the syncs that ended without their tag at the target, and that no newer one follows.

    Rejected ones come first: they do not get better by themselves.
    """
    recent = window(syncs, syncs.c.created_at, now - FAILURES_SINCE, None)
    found = []
    for state in FAILING_STATES:
        candidates = _candidates(state, recent, syncs.c.id.desc())
        found += _piles(connection, candidates, ~is_followed(candidates))
    return found


def count_quarantined(connection: Connection, since: datetime) -> int:
    """Return how many deliveries are quarantined since then, at most MOST_COUNTED + 1."""
    conditions = window(deliveries, deliveries.c.received_at, since, None)
    quarantined = deliveries.c.outcome == Outcome.QUARANTINED.value
    ids = select(deliveries.c.id).where(quarantined, *conditions)
    newest = ids.order_by(deliveries.c.id.desc()).limit(MOST_COUNTED + 1)
    return connection.scalar(select(func.count()).select_from(newest.subquery())) or 0


def recent_outcomes(
    connection: Connection, senders: Iterable[str]
) -> Mapping[str, Mapping[str, int]]:
    """Return, for each sender, what its newest MOST_DELIVERIES deliveries became."""
    found = {}
    for sender in senders:
        newest = select(deliveries.c.outcome).where(deliveries.c.sender == sender)
        newest = newest.order_by(deliveries.c.id.desc()).limit(MOST_DELIVERIES)
        outcomes = newest.subquery()
        counted = select(outcomes.c.outcome, func.count()).group_by(outcomes.c.outcome)
        found[sender] = dict(tuple(row) for row in connection.execute(counted))
    return found


def latencies(connection: Connection, now: datetime) -> Sequence[Took]:
    """Return how long the proof took in the last day: for each hour, of its newest syncs."""
    found = []
    for hour in range(_HOURS):
        until = now - timedelta(hours=hour)
        query = (
            select(syncs.c.target_region, syncs.c.created_at, syncs.c.verified_at)
            .where(syncs.c.state == State.VERIFIED.value, syncs.c.id < lowest_id(until))
            .where(syncs.c.id >= lowest_id(until - timedelta(hours=1)))
            .order_by(syncs.c.id.desc())
            .limit(_SAMPLE)
        )
        found += [
            Took(region, created_at, (verified_at - created_at).total_seconds())
            for region, created_at, verified_at in connection.execute(query)
        ]
    return found


def _candidates(
    state: State, conditions: Sequence[ColumnElement[bool]], order: ColumnElement[str]
) -> Subquery:
    columns = (
        "id",
        "state",
        "source_region",
        "namespace",
        "repository",
        "tag",
        "target_region",
        "target_namespace",
        "created_at",
        "failing_since",
    )
    reason = func.coalesce(syncs.c.error_message, syncs.c.reason).label("reason")
    query = select(*(syncs.c[name] for name in columns), reason)
    query = query.where(syncs.c.state == state.value)
    return query.where(*conditions).order_by(order).limit(MOST_COUNTED + 1).subquery()


def _piles(
    connection: Connection, candidates: Subquery, *conditions: ColumnElement[bool]
) -> list[Pile]:
    is_more = select(func.count() > MOST_COUNTED).select_from(candidates).scalar_subquery()
    query = (
        select(
            candidates.c.state,
            candidates.c.target_region,
            func.count(),
            func.min(candidates.c.created_at),
            func.max(candidates.c.reason),
            is_more,
        )
        .where(*conditions)
        .group_by(candidates.c.state, candidates.c.target_region)
        .order_by(candidates.c.target_region)
    )
    return [
        Pile(state, region, count, oldest, example, bool(more))
        for state, region, count, oldest, example, more in connection.execute(query)
    ]
