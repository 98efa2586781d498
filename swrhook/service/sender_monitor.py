"""Monitors when each sender delivered last, and warns when one falls silent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from swrhook import logs
from swrhook.clock import Clock
from swrhook.config.model import ConfigSource
from swrhook.ledger.database import Database
from swrhook.ledger.optional_read import read_or_none
from swrhook.ledger.queries.senders import last_deliveries
from swrhook.periodic import PeriodicThread
from swrhook.units import format_duration

# Seconds between two checks for senders that fell silent.
POLL_INTERVAL = 15.0
# Scrapes within this time share one query.
CACHE_TTL = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class SenderStatus:
    """When a sender delivered last, and whether that is longer ago than expected."""

    sender: str
    last_delivery_at: datetime | None
    expect_every: timedelta | None
    is_silent: bool


class SenderActivity:
    """Reads from the ledger when each configured sender delivered last.

    A sender that never delivered counts as silent when `expect_every` has passed since this process
    started or the sender was added to the configuration.
    """

    def __init__(self, database: Database, config: ConfigSource, clock: Clock) -> None:
        self._database = database
        self._config = config
        self._clock = clock
        self._first_seen = dict.fromkeys(config.current().senders, clock.now())
        self._cached: tuple[datetime, Sequence[SenderStatus]] | None = None

    def read(self) -> Sequence[SenderStatus] | None:
        """Return the status of every configured sender; None if the ledger cannot be read."""
        senders = self._config.current().senders
        now = self._clock.now()
        first_seen = {name: self._first_seen.get(name, now) for name in senders}
        self._first_seen = first_seen
        last = read_or_none(self._database, last_deliveries, senders)
        if last is None:
            return None
        return [
            SenderStatus(
                name,
                last.get(name),
                sender.expect_every,
                is_silent=sender.expect_every is not None
                and now - last.get(name, first_seen[name]) > sender.expect_every,
            )
            for name, sender in senders.items()
        ]

    def cached(self) -> Sequence[SenderStatus] | None:
        """Return the same as `read`, at most a few seconds old."""
        now = self._clock.now()
        if self._cached is not None and timedelta() <= now - self._cached[0] < CACHE_TTL:
            return self._cached[1]
        statuses = self.read()
        self._cached = None if statuses is None else (now, statuses)
        return statuses


class SenderMonitor(PeriodicThread):
    """Logs once when a sender falls silent, and once when it delivers again."""

    def __init__(self, activity: SenderActivity, *, interval: float = POLL_INTERVAL) -> None:
        super().__init__("sender_monitor", self.poll, interval)
        self._activity = activity
        self._silent: set[str] = set()

    def poll(self) -> None:
        """Check once, and log what has changed."""
        statuses = self._activity.read()
        if statuses is None:  # health checks report that the ledger cannot be read
            return
        for status in statuses:
            if status.is_silent == (status.sender in self._silent):
                continue
            write = logs.warning if status.is_silent else logs.event
            last, expected = status.last_delivery_at, status.expect_every
            write(
                "sender.silent" if status.is_silent else "sender.heard",
                sender=status.sender,
                last_delivery_at=None if last is None else last.isoformat(timespec="milliseconds"),
                expect_every=None if expected is None else format_duration(expected),
            )
        self._silent = {status.sender for status in statuses if status.is_silent}
