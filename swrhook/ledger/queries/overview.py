"""The dashboard's first page: open, late and failing syncs, and the deliveries of senders.

Each query reads a limited number of rows along an index, so that it takes the same time in a ledger
with a million syncs.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Subquery, func, select

from swrhook.ledger.pauses import is_not_paused, recent_pauses
from swrhook.ledger.queries.pagination import Walk, lowest_id, newer_than, state_walk
from swrhook.ledger.queries.syncs import ROUTE_COLUMNS, is_followed
from swrhook.ledger.tables import deliveries, syncs
from swrhook.model import OPEN_STATES, Outcome, State
from swrhook.wording.storage import decode, restore_optional

# A group is counted up to here; a larger one is shown as "more than".
MOST_COUNTED = 1000
# While something is or was paused, so many are read to find those that are not.
MOST_PASSED = 10_000
MOST_DELIVERIES = 200
# How long a failed sync is shown, unless a newer sync follows it.
FAILURES_SINCE = timedelta(days=7)
FAILING_STATES = (State.REJECTED, State.EXHAUSTED, State.MISSING, State.DIVERGED)
_HOURS, _HOUR = 24, timedelta(hours=1)
_SAMPLE = 200


@dataclass(frozen=True, slots=True)
class SyncGroup:
    """Syncs in one state with one target region, and the reason of one of them.

    `is_more`: the state has more syncs than were counted.
    """

    state: str
    target_region: str
    count: int
    oldest: datetime
    example: str | None
    is_more: bool


@dataclass(frozen=True, slots=True)
class VerifyTime:
    """A verified sync: when it was recorded, and after how many seconds it was verified."""

    target_region: str
    recorded_at: datetime
    seconds: float


def open_groups(connection: Connection) -> list[SyncGroup]:
    """Return groups of the oldest open syncs."""
    candidates = [_oldest(state_walk(state)) for state in sorted(OPEN_STATES)]
    return [group for oldest in candidates for group in _groups(connection, oldest)]


def late_groups(connection: Connection, late_before: datetime) -> list[SyncGroup]:
    """Return groups of the oldest open syncs recorded before then, unless they were paused since.

    Behind MOST_PASSED older ones of a state, which are paused, none is found.
    """
    pauses = recent_pauses(connection, late_before)
    most = MOST_PASSED if pauses else MOST_COUNTED
    limit = lowest_id(late_before)
    candidates = [_oldest(state_walk(state, before=limit), most) for state in sorted(OPEN_STATES)]
    return [
        group
        for oldest in candidates
        for group in _groups(connection, oldest, *is_not_paused(pauses, oldest.c), most=most)
    ]


def held_up_groups(connection: Connection) -> list[SyncGroup]:
    """Return groups of the oldest open syncs that are held up by failing requests to SWR."""
    candidates = [_oldest(state_walk(state)) for state in sorted(OPEN_STATES)]
    return [
        group
        for oldest in candidates
        for group in _groups(connection, oldest, oldest.c.failing_since.is_not(None))
    ]


def failing_groups(connection: Connection, now: datetime) -> list[SyncGroup]:
    """Return groups of the syncs that failed, and that no newer sync follows.

    Rejected syncs come first, because somebody has to change something for them.
    """
    since = now - FAILURES_SINCE
    candidates = [
        _newest([*state_walk(state, lowest_id(since)), syncs.c.created_at >= since])
        for state in FAILING_STATES
    ]
    return [
        group
        for newest in candidates
        for group in _groups(connection, newest, ~is_followed(newest))
    ]


def count_quarantined(connection: Connection, since: datetime) -> int:
    """Return how many deliveries were quarantined since then, at most MOST_COUNTED + 1."""
    conditions = newer_than(deliveries, deliveries.c.received_at, since)
    quarantined = deliveries.c.outcome == Outcome.QUARANTINED.value
    ids = select(deliveries.c.id).where(quarantined, *conditions)
    newest = ids.order_by(deliveries.c.id.desc()).limit(MOST_COUNTED + 1)
    return connection.scalar(select(func.count()).select_from(newest.subquery())) or 0


def recent_outcomes(
    connection: Connection, senders: Iterable[str]
) -> Mapping[str, Mapping[str, int]]:
    """Return, for each sender, the outcomes of its newest MOST_DELIVERIES deliveries."""
    by_sender = {}
    for sender in senders:
        newest = select(deliveries.c.outcome).where(deliveries.c.sender == sender)
        newest = newest.order_by(deliveries.c.id.desc()).limit(MOST_DELIVERIES)
        outcomes = newest.subquery()
        counted = select(outcomes.c.outcome, func.count()).group_by(outcomes.c.outcome)
        by_sender[sender] = dict(tuple(row) for row in connection.execute(counted))
    return by_sender


def last_outcomes(connection: Connection, senders: Iterable[str]) -> Mapping[str, str]:
    """Return, for each sender that has delivered, the outcome of its newest delivery."""
    newest = select(deliveries.c.outcome).order_by(deliveries.c.id.desc()).limit(1)
    outcomes = {
        sender: connection.scalar(newest.where(deliveries.c.sender == sender)) for sender in senders
    }
    return {sender: outcome for sender, outcome in outcomes.items() if outcome is not None}


def latencies(connection: Connection, now: datetime) -> Sequence[VerifyTime]:
    """Return the times to verification of the last day: a sample of each hour's newest syncs."""
    times = []
    for hour in range(_HOURS):
        until = now - hour * _HOUR
        query = (
            select(syncs.c.target_region, syncs.c.created_at, syncs.c.verified_at)
            .where(syncs.c.state == State.VERIFIED.value, syncs.c.id < lowest_id(until))
            .where(syncs.c.id >= lowest_id(until - _HOUR))
            .order_by(syncs.c.id.desc())
            .limit(_SAMPLE)
        )
        times += [
            VerifyTime(region, created_at, (verified_at - created_at).total_seconds())
            for region, created_at, verified_at in connection.execute(query)
        ]
    return times


def _oldest(walk: Walk, most: int = MOST_COUNTED) -> Subquery:
    return _candidates(walk, most).order_by(syncs.c.state, syncs.c.id).subquery()


def _newest(walk: Walk) -> Subquery:
    return _candidates(walk).order_by(syncs.c.state.desc(), syncs.c.id.desc()).subquery()


def _candidates(walk: Walk, most: int = MOST_COUNTED) -> Select[Any]:
    origin = ("rule", "sender")
    columns = ("id", "state", *ROUTE_COLUMNS, *origin, "created_at", "failing_since")
    reason = func.coalesce(syncs.c.error_message, syncs.c.reason).label("reason")
    query = select(*(syncs.c[name] for name in columns), reason, syncs.c.wording)
    return query.where(*walk).limit(most + 1)


def _groups(
    connection: Connection,
    candidates: Subquery,
    *conditions: ColumnElement[bool],
    most: int = MOST_COUNTED,
) -> list[SyncGroup]:
    is_more = select(func.count() > most).select_from(candidates).scalar_subquery()
    columns = (candidates.c.state, candidates.c.target_region)
    numbers = (func.count(), func.min(candidates.c.created_at), func.max(candidates.c.reason))
    # Of several syncs with one reason, any one's wording says what it was made of.
    wording = func.max(candidates.c.wording)
    query = (
        select(*columns, *numbers, is_more, wording)
        .where(*conditions)
        .group_by(*columns)
        .order_by(candidates.c.target_region)
    )
    return [_to_group(*row) for row in connection.execute(query)]


def _to_group(*columns: Any) -> SyncGroup:  # noqa: ANN401  # of the query above
    *values, wording = columns
    group = SyncGroup(*values)
    return replace(group, example=restore_optional(group.example, decode(wording)))
