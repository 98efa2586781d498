"""When each sender was heard last, and whether it has been silent for too long."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from swrhook import logs
from swrhook.clock import Clock
from swrhook.config.model import ConfigSource
from swrhook.ledger.database import Database
from swrhook.ledger.queries.senders import last_deliveries
from swrhook.periodic import PeriodicThread
from swrhook.units import format_duration

# Seconds between two looks for senders that fell silent.
BETWEEN_LOOKS = 15.0
# So long a look serves several scrapes.
FRESH = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class SenderStatus:
    """When a sender delivered last, and whether that is longer ago than expected."""

    sender: str
    last_delivery_at: datetime | None
    expect_every: timedelta | None
    is_silent: bool


class SenderActivity:
    """Knows from the ledger when each configured sender delivered last.

    One that never has is silent when `expect_every` has passed since this process has known it.
    """

    def __init__(self, database: Database, config: ConfigSource, clock: Clock) -> None:
        """Begin to wait for those that were never heard."""
        self._database = database
        self._config = config
        self._clock = clock
        self._known = dict.fromkeys(config.current().senders, clock.now())  # since when
        self._looked: tuple[datetime, Sequence[SenderStatus]] | None = None

    def read(self) -> Sequence[SenderStatus] | None:
        """Return every configured sender; None when the ledger cannot be read."""
        senders = self._config.current().senders
        now = self._clock.now()
        # A sender that is new in a running process has as much time as at a start.
        known = self._known = {name: self._known.get(name, now) for name in senders}
        last = last_deliveries(self._database, senders)
        if last is None:
            return None
        return [
            SenderStatus(
                name,
                last.get(name),
                sender.expect_every,
                is_silent=sender.expect_every is not None
                and now - last.get(name, known[name]) > sender.expect_every,
            )
            for name, sender in senders.items()
        ]

    def cached(self) -> Sequence[SenderStatus] | None:
        """Return what a look has found that is a few seconds old at most."""
        now = self._clock.now()
        if self._looked is not None and timedelta() <= now - self._looked[0] < FRESH:
            return self._looked[1]
        found = self.read()
        self._looked = None if found is None else (now, found)
        return found


class SenderMonitor:
    """Writes a line when a sender falls silent, once, and one when it is heard again."""

    def __init__(self, activity: SenderActivity, *, between: float = BETWEEN_LOOKS) -> None:
        """Take who knows; `start` begins."""
        self._activity = activity
        self._silent: set[str] = set()
        self._thread = PeriodicThread("sender_monitor", self.poll, between)

    def start(self) -> None:
        """Look now, and then again and again."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._thread.stop()

    def poll(self) -> None:
        """Look once, and write what has changed."""
        found = self._activity.read()
        if found is None:  # others tell that the ledger cannot be read
            return
        for heard in found:
            if heard.is_silent and heard.sender not in self._silent:
                logs.warning("sender.silent", **_fields(heard))
            if not heard.is_silent and heard.sender in self._silent:
                logs.event("sender.heard", **_fields(heard))
        self._silent = {heard.sender for heard in found if heard.is_silent}


def _fields(heard: SenderStatus) -> dict[str, str | None]:
    last, expected = heard.last_delivery_at, heard.expect_every
    return {
        "sender": heard.sender,
        "last_delivery_at": None if last is None else last.isoformat(timespec="milliseconds"),
        "expect_every": None if expected is None else format_duration(expected),
    }
