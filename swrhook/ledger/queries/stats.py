"""Numbers for metrics and the API: counts of syncs and deliveries, lateness, latency, drift."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Select, func, or_, select
from sqlalchemy.exc import SQLAlchemyError

from swrhook.ledger.database import Database
from swrhook.ledger.queries.pagination import newer_than
from swrhook.ledger.queries.senders import count_outcomes
from swrhook.ledger.rows import group
from swrhook.ledger.tables import LATEST, OPEN, findings, syncs
from swrhook.model import END_STATES, State


@dataclass(frozen=True, slots=True)
class OpenSyncs:
    """How many syncs of one state are open towards one region."""

    state: str
    target_region: str
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


def read_backlog(database: Database, now: datetime) -> Backlog | None:
    """Return the open work; None when the ledger cannot be read."""
    try:
        with database.read() as connection:
            rows = connection.execute(backlog_query()).all()
    except (SQLAlchemyError, OSError):
        return None
    pending = [row for row in rows if row.state == State.PENDING]
    return Backlog(
        open_syncs=[OpenSyncs(row.state, row.target_region, row.count_) for row in rows],
        oldest_pending=_age(now, [row.created_at for row in pending]),
        most_overdue=_age(now, [row.due_at for row in rows if row.due_at is not None]),
    )


def backlog_query() -> Select[tuple[str, str, int, datetime, datetime | None]]:
    """Return the query: one row for each state and target region with open syncs."""
    columns = (syncs.c.state, syncs.c.target_region)
    return (
        select(
            *columns,
            func.count().label("count_"),
            func.min(syncs.c.created_at).label("created_at"),
            func.min(syncs.c.due_at).label("due_at"),
        )
        .where(OPEN)
        .group_by(*columns)
    )


def _age(now: datetime, times: list[datetime]) -> float:
    return max((now - min(times)).total_seconds(), 0.0) if times else 0.0


# Latencies are computed from so many syncs, the newest verified ones.
MOST_MEASURED = 10_000
_ENDED = syncs.c.state.in_(sorted(END_STATES))
_TARGET = (syncs.c.target_region, syncs.c.target_namespace)


@dataclass(frozen=True, slots=True)
class SyncCount:
    """How many syncs of one target are in one state."""

    target_region: str
    target_namespace: str
    state: str
    count: int


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

    since: datetime
    syncs: Sequence[SyncCount]
    oldest_pending: datetime | None
    deliveries: Sequence[DeliveryCount]
    latency: Sequence[Latency]


def count(connection: Connection, since: datetime) -> Stats:
    """Return the numbers from `since` on."""
    outcomes = count_outcomes(connection, since)
    return Stats(
        since=since,
        syncs=_syncs(connection, since),
        oldest_pending=connection.scalar(
            select(func.min(syncs.c.created_at)).where(OPEN, syncs.c.state == State.PENDING.value)
        ),
        deliveries=[DeliveryCount(*key, number) for key, number in sorted(outcomes.items())],
        latency=_latency(connection, since),
    )


def _syncs(connection: Connection, since: datetime) -> list[SyncCount]:
    columns = (*_TARGET, syncs.c.state)
    counted = select(*columns, func.count()).group_by(*columns).order_by(*columns)
    recent = newer_than(syncs, syncs.c.created_at, since)
    rows = [*connection.execute(counted.where(OPEN))]
    rows += connection.execute(counted.where(_ENDED, *recent))
    return [SyncCount(*row) for row in sorted(map(tuple, rows))]


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


def read_drift(database: Database) -> Sequence[DriftCount] | None:
    """Return the latest known drift that no sync has fixed; None when it cannot be read."""
    columns = (findings.c.target_region, findings.c.target_namespace, findings.c.drift)
    query = (
        select(*columns, func.count())
        .select_from(findings.outerjoin(syncs, findings.c.sync == syncs.c.id))
        .where(LATEST, or_(syncs.c.state.is_(None), syncs.c.state != State.VERIFIED.value))
        .group_by(*columns)
        .order_by(*columns)
    )
    try:
        with database.read() as connection:
            return [DriftCount(*row) for row in connection.execute(query)]
    except (SQLAlchemyError, OSError):
        return None
