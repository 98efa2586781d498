"""Numbers for metrics and the API: counts of syncs and deliveries, lateness, latency, drift."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, func, or_, select

from swrhook.ledger.lane_queue import read_waiting
from swrhook.ledger.pauses import is_not_paused, list_pauses, read_pauses
from swrhook.ledger.queries.pagination import newer_than, state_walk
from swrhook.ledger.queries.senders import count_outcomes
from swrhook.ledger.repair_tables import LATEST, findings
from swrhook.ledger.rows import group
from swrhook.ledger.tables import OPEN, READY, SCHEDULED, lanes, syncs
from swrhook.model import END_STATES, OPEN_STATES, State

_TARGET = (syncs.c.target_region, syncs.c.target_namespace)


@dataclass(frozen=True, slots=True)
class OpenSyncs:
    """How many syncs of one state are open towards one region."""

    state: str
    target_region: str
    count: int


@dataclass(frozen=True, slots=True, order=True)
class SyncCount:
    """How many syncs of one target are in one state."""

    target_region: str
    target_namespace: str
    state: str
    count: int


@dataclass(frozen=True, slots=True)
class Backlog:
    """The open work in the ledger; ages in seconds, 0 when there is none."""

    open_syncs: Sequence[OpenSyncs]
    oldest_pending: float
    most_overdue: float


@dataclass(frozen=True, slots=True)
class DriftCount:
    """How many tags of one target differ from what the rules want, for one kind of drift."""

    target_region: str
    target_namespace: str
    drift: str
    count: int


def read_backlog(connection: Connection, now: datetime) -> Backlog:
    """Return the open work."""
    by_region: Counter[tuple[str, str]] = Counter()
    for target in count_open(connection):
        by_region[target.state, target.target_region] += target.count
    return Backlog(
        [OpenSyncs(*key, count) for key, count in sorted(by_region.items())],
        oldest_pending=_seconds_between(oldest_pending(connection), now),
        most_overdue=_seconds_between(most_overdue(connection), now),
    )


def _seconds_between(earlier: datetime | None, now: datetime) -> float:
    return 0.0 if earlier is None else max((now - earlier).total_seconds(), 0.0)


def count_open(connection: Connection) -> list[SyncCount]:
    """Count all open syncs: reads an index of them from end to end, and no row."""
    # State by state: in the order of the index there is nothing to sort.
    counts = [_open_query(state) for state in sorted(OPEN_STATES)]
    return [SyncCount(*row) for query in counts for row in connection.execute(query)]


def _open_query(state: State) -> Select[Any]:
    query = select(*_TARGET, syncs.c.state, func.count())
    query = query.where(OPEN, syncs.c.state == state.value)
    return query.group_by(syncs.c.state, *_TARGET)


def oldest_pending(connection: Connection) -> datetime | None:
    """Return when the oldest `pending` sync was recorded that is not paused.

    It is the first of an index, behind those that are paused.
    """
    in_order = (syncs.c.state, syncs.c.id)
    query = select(syncs.c.created_at).where(*state_walk(State.PENDING))
    query = query.where(*is_not_paused(list_pauses(connection), syncs.c))
    at: datetime | None = connection.scalar(query.order_by(*in_order).limit(1))
    return at


def most_overdue(connection: Connection) -> datetime | None:
    """Return the first due time of all lanes; of those that wait for room, an index is read.

    Lanes of regions that are paused are not late, and not read.
    """
    pauses = read_pauses(connection)
    times = [connection.scalar(select(func.min(lanes.c.due_at)).where(SCHEDULED))]
    for flow in read_waiting(connection)[0]:
        if pauses.of_regions(flow.source, flow.target) is None:
            first = select(func.min(lanes.c.due_at)).where(READY, lanes.c.flow == str(flow))
            times.append(connection.scalar(first))
    return min((at for at in times if at is not None), default=None)


# Latencies are computed from so many syncs, the newest verified ones.
MOST_MEASURED = 10_000
_ENDED = syncs.c.state.in_(sorted(END_STATES))


@dataclass(frozen=True, slots=True)
class DeliveryCount:
    """How many deliveries of one sender had one outcome; replays are not counted."""

    sender: str
    outcome: str
    count: int


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds from recording a push until its digest was verified at a target."""

    target_region: str
    target_namespace: str
    count: int
    p50: float
    p90: float
    p99: float


@dataclass(frozen=True, slots=True)
class Stats:
    """The answer of /api/v1/stats. All open syncs are counted, everything else from `since` on."""

    counted_at: datetime
    since: datetime
    syncs: Sequence[SyncCount]
    oldest_pending: datetime | None
    deliveries: Sequence[DeliveryCount]
    latency: Sequence[Latency]


def read_stats(connection: Connection, window: timedelta, now: datetime) -> Stats:
    """Return the numbers of the time before now."""
    since = now - window
    outcomes = count_outcomes(connection, since)
    return Stats(
        counted_at=now,
        since=since,
        syncs=_syncs(connection, since),
        oldest_pending=oldest_pending(connection),
        deliveries=[DeliveryCount(*key, number) for key, number in sorted(outcomes.items())],
        latency=_latency(connection, since),
    )


def _syncs(connection: Connection, since: datetime) -> list[SyncCount]:
    columns = (*_TARGET, syncs.c.state)
    counted = select(*columns, func.count()).group_by(*columns).order_by(*columns)
    recent = newer_than(syncs, syncs.c.created_at, since)
    ended = [SyncCount(*row) for row in connection.execute(counted.where(_ENDED, *recent))]
    return sorted([*count_open(connection), *ended])


def _latency(connection: Connection, since: datetime) -> list[Latency]:
    query = (
        select(*_TARGET, syncs.c.created_at, syncs.c.verified_at)
        .where(syncs.c.state == State.VERIFIED.value)
        .where(*newer_than(syncs, syncs.c.created_at, since))
        .order_by(syncs.c.id.desc())
        .limit(MOST_MEASURED)
    )
    times_by_target = group(
        ((region, namespace), (verified_at - created_at).total_seconds())
        for region, namespace, created_at, verified_at in connection.execute(query)
    )
    return [
        Latency(*target, len(times), *(percentile(sorted(times), p) for p in (50, 90, 99)))
        for target, times in sorted(times_by_target.items())
    ]


def percentile(ordered: Sequence[float], percent: int) -> float:
    """Return the smallest value that `percent` percent of all do not exceed (nearest rank)."""
    rank = -(-percent * len(ordered) // 100)
    return ordered[max(rank, 1) - 1]


def read_drift(connection: Connection) -> Sequence[DriftCount]:
    """Return the latest known drift that no sync has fixed."""
    columns = (findings.c.target_region, findings.c.target_namespace, findings.c.drift)
    query = (
        select(*columns, func.count())
        .select_from(findings.outerjoin(syncs, findings.c.sync == syncs.c.id))
        .where(LATEST, or_(syncs.c.state.is_(None), syncs.c.state != State.VERIFIED.value))
        .group_by(*columns)
        .order_by(*columns)
    )
    return [DriftCount(*row) for row in connection.execute(query)]
