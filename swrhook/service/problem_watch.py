"""Looks for what is to be told that no transaction records: late syncs, regions, senders, files."""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from swrhook.clock import Clock
from swrhook.config.model import ConfigSource
from swrhook.ledger.database import Database
from swrhook.ledger.leases import PeriodicLease
from swrhook.ledger.notices import record_notices
from swrhook.ledger.problems import (
    MOST_ROWS,
    Problem,
    has_problems,
    held_up_ways,
    late_syncs,
    lateness_of,
    quarantined_deliveries,
    remember_syncs,
    take_recovered,
    update_problems,
)
from swrhook.notifications.model import Topic
from swrhook.periodic import PeriodicThread
from swrhook.service.sender_monitor import SenderActivity, SenderStatus
from swrhook.units import format_duration

POLL_INTERVAL = 5.0  # seconds
_LEASED_FOR = timedelta(seconds=4.5)


@dataclass(eq=False)
class ProblemWatch(PeriodicThread):
    """Records notices of what it finds, if any rule tells it.

    One process searches the ledger for all; each one looks after its own configuration file, for
    which `configuration_problem` returns what is wrong.
    """

    database: Database
    config: ConfigSource
    senders: SenderActivity
    configuration_problem: Callable[[], str | None]
    clock: Clock
    interval: float = POLL_INTERVAL

    def __post_init__(self) -> None:
        super().__init__("problem_watch", self.poll, self.interval)
        self._lease = PeriodicLease(self.database, "problem_watch", self.clock)
        self._recovered_after = ""
        searches: dict[Topic, Callable[[datetime], bool]] = {
            Topic.LATE: self._find_late,
            Topic.RECOVERED: self._find_recovered,
            Topic.QUARANTINED: self._find_quarantined,
            Topic.REGION: self._find_regions,
            Topic.SENDER: self._find_senders,
        }
        self._searches = searches

    def poll(self) -> bool:
        """Search once; return whether there is more to find now."""
        topics, now = self.config.current().notify.topics, self.clock.now()
        if Topic.CONFIGURATION in topics:
            self._find_configuration()
        if not topics & self._searches.keys() or not self._lease.begin(_LEASED_FOR):
            return False
        for topic in self._searches.keys() & topics:
            while self._searches[topic](now) and not self.stopping.is_set():
                pass
        return False

    def _find_late(self, now: datetime) -> bool:
        config = self.config.current()
        with self.database.write() as connection:
            rows = late_syncs(connection, now, config.options.late)
            record_notices(connection, [lateness_of(row) for row in rows])
            if Topic.RECOVERED in config.notify.topics:
                remember_syncs(connection, rows, now)
        return len(rows) >= MOST_ROWS

    def _find_recovered(self, _now: datetime) -> bool:
        with self.database.write() as connection:
            notices, self._recovered_after = take_recovered(connection, self._recovered_after)
            record_notices(connection, notices)
        return False  # the next poll goes on where this one stopped

    def _find_quarantined(self, now: datetime) -> bool:
        with self.database.write() as connection:
            notices = quarantined_deliveries(connection, now)
            record_notices(connection, notices)
        return len(notices) == MOST_ROWS

    def _find_regions(self, now: datetime) -> bool:
        with self.database.read() as connection:
            ways = held_up_ways(connection, now)
        self._update(Topic.REGION, "", [Problem(way, facts, {}) for way, facts in ways.items()])
        return False

    def _find_senders(self, _now: datetime) -> bool:
        statuses = self.senders.read()
        if statuses is None:
            return False
        self._update(
            Topic.SENDER, "", [_silence(status) for status in statuses if status.is_silent]
        )
        return False

    def _find_configuration(self) -> None:
        problem, host = self.configuration_problem(), socket.gethostname()
        facts = {"host": host, "message": problem, "remedy": "see the log, or run `check`"}
        problems = [] if problem is None else [Problem(f"{host}:file", facts, {})]
        self._update(Topic.CONFIGURATION, f"{host}:", problems)

    def _update(self, topic: Topic, prefix: str, problems: list[Problem]) -> None:
        with self.database.read() as connection:
            if not problems and not has_problems(connection, topic):
                return
        with self.database.write() as connection:
            changes = update_problems(connection, topic, prefix, problems, self.clock.now())
            record_notices(connection, changes)


def _silence(status: SenderStatus) -> Problem:
    last = status.last_delivery_at
    facts = {
        "sender": status.sender,
        "every": format_duration(status.expect_every or timedelta()),
        "last_delivery_at": None if last is None else last.isoformat(),
    }
    return Problem(status.sender, facts, {"sender": status.sender})
