"""Fakes of the collaborators that components take, and values made in one line."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from swrhook.config import Config
from swrhook.ledger.database import after_commit
from swrhook.ledger.deliveries import Recording
from swrhook.model import DeliveryEntry, Lane, Receipt, State, Sync
from swrhook.senders.sender import Sender
from swrhook.syncs.decisions import Decision

NOW = datetime.fromisoformat("2026-03-04T05:06:07+00:00")


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


@dataclass
class FakeScheduler:
    """A LaneScheduler that remembers the lanes which were woken by committed transactions."""

    woken: list[Sequence[Lane]] = field(default_factory=list)
    before_wake: Callable[[], object] = lambda: None

    def wake(self, lanes: Sequence[Lane], at: datetime, connection: Connection) -> None:
        del at
        self.before_wake()
        after_commit(connection, lambda: self.woken.append(lanes))


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
class FakeWork:
    """A LaneWork made of a function."""

    run: Callable[[Lane, datetime], datetime | None]


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
