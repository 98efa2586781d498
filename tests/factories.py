"""Values for tests, helpers to look into a ledger, and fakes of collaborators."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select, update

from swrhook.config import Config
from swrhook.engine import CapacityLimit
from swrhook.ledger.database import Database, after_commit
from swrhook.ledger.deliveries import Recording, record
from swrhook.ledger.lane_session import open_session
from swrhook.ledger.lanes import Flow, schedule_lanes
from swrhook.ledger.rows import LANE_COLUMNS, SYNC_COLUMNS, to_lane, to_sync
from swrhook.ledger.tables import OPEN, READY, lanes, syncs
from swrhook.model import (
    OPEN_STATES,
    DeliveryEntry,
    Lane,
    Outcome,
    PlannedSync,
    Push,
    Receipt,
    State,
    Sync,
    Target,
    Urgency,
    route,
)
from swrhook.senders.sender import Sender
from swrhook.syncs.decisions import Decision
from swrhook.worker.lane_runner import LaneRunner

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
WINDOW = 10 * MINUTE

A = "sha256:" + "aa" * 32
B = "sha256:" + "bb" * 32
C = "sha256:" + "cc" * 32

TARGET = Target("cn-east-3", "team")
OTHER_TARGET = Target("ap-southeast-1", "team")
LANE = Lane("cn-north-4", "team", "web/shop", TARGET, override=False)

# A minimal valid file; tests change a line of it.
MINIMAL_CONFIG = """\
swr:
  iam_endpoint: https://iam.example.com
  credentials: {kind: token, token: "${TOKEN}"}
  regions: {cn-north-4: {}, cn-east-3: {}}
senders:
  harbor: {dialect: harbor, region: cn-north-4, auth: {scheme: bearer, secrets: ["${TOKEN}"]}}
rules:
  - name: all
    when: {sender: harbor}
    sync: [{region: cn-east-3, namespace: team-a}]
"""


def push(tag: str = "v1", digest: str | None = None, event_id: str | None = None) -> Push:
    return Push("harbor", "cn-north-4", "team", "web/shop", tag, digest, event_id)


def entry(
    *pushes: Push,
    at: datetime = NOW,
    targets: Sequence[Target] = (TARGET,),
    override: bool = False,
    **changes: Any,
) -> DeliveryEntry:
    """Return an accepted delivery that wants every push at every target, unless told otherwise."""
    planned = [PlannedSync(p, target, override, "all") for p in pushes for target in targets]
    values: dict[str, Any] = {
        "sender": pushes[0].sender if pushes else "harbor",
        "dialect": "harbor",
        "outcome": Outcome.ACCEPTED,
        "reason": None,
        "received_at": at,
        "rules_version": "0123456789ab",
        "dedup_window": WINDOW,
        "body": b"the body",
        "pushes": pushes,
        "planned": planned,
    }
    return DeliveryEntry(**(values | changes))


def write(database: Database, *entries: DeliveryEntry) -> Recording:
    """Record the entries as one batch."""
    with database.write() as connection:
        return record(connection, entries)


def _count(database: Database) -> int:
    with database.read() as connection:
        return connection.scalar(select(func.count()).select_from(syncs)) or 0


def put(
    database: Database, state: State = State.PENDING, lane: Lane = LANE, **columns: Any
) -> Sync:
    """Put a sync into the ledger as it is given, without waiting for the disk; return it."""
    tag = columns.get("tag", "v1")
    row: dict[str, Any] = {
        "id": f"{_count(database):026}",
        "sender": "harbor",
        "source_region": lane.source_region,
        "namespace": lane.namespace,
        "repository": lane.repository,
        "tag": tag,
        "target_region": lane.target.region,
        "target_namespace": lane.target.namespace,
        "override": lane.override,
        "lane": lane.key,
        "route": route(lane, tag),
        "rule": "all",
        "rules_version": "0123456789ab",
        "state": state.value,
        "created_at": NOW,
        "updated_at": NOW,
        "due_at": NOW if state in OPEN_STATES else None,
    }
    row |= columns
    with database.write(durable=False) as connection:
        connection.execute(insert(syncs), row)
    return find(database, row["id"])


def find(database: Database, sync_id: str) -> Sync:
    with database.read() as connection:
        query = select(*SYNC_COLUMNS).where(syncs.c.id == sync_id)
        return to_sync(connection.execute(query).mappings().one())


def all_syncs(database: Database) -> list[Sync]:
    """Return every sync, in the order of recording."""
    with database.read() as connection:
        query = select(*SYNC_COLUMNS).order_by(syncs.c.created_at, syncs.c.id)
        return [to_sync(row) for row in connection.execute(query).mappings()]


def everything(database: Database, table: Table) -> list[dict[str, Any]]:
    """Return every row of a table."""
    with database.read() as connection:
        return [dict(row) for row in connection.execute(select(table)).mappings()]


@dataclass
class FakeClock:
    """A clock that stands still until a test sets it."""

    time: datetime = NOW

    def now(self) -> datetime:
        return self.time

    def advance(self, seconds: float = 0, **span: float) -> None:
        self.time += timedelta(seconds=seconds, **span)


@dataclass
class FixedConfig:
    """A ConfigSource that a test sets."""

    config: Config

    def current(self) -> Config:
        return self.config


def ready_lanes(database: Database) -> list[Lane]:
    """Return the lanes that wait for an engine, in the order of their keys."""
    query = select(*(lanes.c[name] for name in LANE_COLUMNS)).where(READY).order_by(lanes.c.key)
    with database.read() as connection:
        return [to_lane(row) for row in connection.execute(query).mappings()]


def run_lane(database: Database, runner: LaneRunner, lane: Lane, now: datetime) -> datetime | None:
    """Take a lane and run it, as the engine does; return when it is due again."""
    gateway = runner.gateway
    slot = gateway.reserve(Flow.of(lane, _urgency(database, lane), "harbor"))
    if isinstance(slot, CapacityLimit):
        return now + (slot.retry_in or SECOND)
    with database.write() as connection:
        schedule_lanes(connection, {lane: "harbor"}, Urgency.BACKFILL, now)
        is_lane = lanes.c.key == lane.key
        connection.execute(update(lanes).where(is_lane).values(holder="test", ready=False))
        session = open_session(database, connection, lane, "test", now, runner.limits())
    try:
        runner.run(session, slot)
    finally:
        slot.release()
    with database.read() as connection:
        query = select(lanes.c.due_at).where(lanes.c.key == lane.key)
        due_at: datetime | None = connection.execute(query).scalar_one()
    return due_at


def _urgency(database: Database, lane: Lane) -> Urgency:
    """Return the urgency of the lane's most urgent sync."""
    query = select(func.min(syncs.c.urgency)).where(syncs.c.lane == lane.key, OPEN)
    with database.read() as connection:
        return Urgency(connection.scalar(query) or Urgency.FRESH)


@dataclass
class FakeScheduler:
    """A LaneScheduler that counts the committed transactions which woke it."""

    woken: int = 0
    before_wake: Callable[[], object] = lambda: None

    def wake(self, connection: Connection) -> None:
        self.before_wake()
        after_commit(connection, self._count)

    def _count(self) -> None:
        self.woken += 1


@dataclass
class FakeOutcomes:
    """An OutcomeListener that remembers."""

    synced: list[tuple[Sync, State, Decision]] = field(default_factory=list)
    recordings: list[Recording] = field(default_factory=list)
    error: Exception | None = None  # raised instead

    def sync(self, sync: Sync, state: State, decision: Decision, now: datetime) -> None:
        del now
        self.synced.append((sync, state, decision))

    def deliveries(self, recording: Recording, now: datetime) -> None:
        del now
        if self.error is not None:
            raise self.error
        self.recordings.append(recording)


@dataclass
class FakeRecorder:
    """A DeliveryRecorder that keeps the entries."""

    error: Exception | None = None  # raised instead
    entries: list[DeliveryEntry] = field(default_factory=list)

    def record(self, entry: DeliveryEntry) -> Receipt:
        if self.error is not None:
            raise self.error
        self.entries.append(entry)
        return Receipt("1", entry.sender, entry.outcome, entry.reason, ())


class Unlimited:
    """A RateLimiter that admits every delivery."""

    def admit(self, sender: Sender) -> None:
        pass
