"""When each sender was heard last, and whether it has been silent for too long."""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from swrhook import logs
from swrhook.config.model import Config
from swrhook.ledger.database import Database
from swrhook.ledger.queries.senders import last_deliveries
from swrhook.metrics import Heard
from swrhook.units import format_duration

# Seconds between two looks for senders that fell silent.
BETWEEN_LOOKS = 15.0
# So long a look serves several scrapes.
FRESH = timedelta(seconds=5)


class Hearing:
    """Knows from the ledger when each configured sender delivered last.

    One that never has is silent when `expect_every` has passed since this process has known it.
    """

    def __init__(
        self, database: Database, config: Callable[[], Config], clock: Callable[[], datetime]
    ) -> None:
        """Begin to wait for those that were never heard."""
        self._database = database
        self._config = config
        self._clock = clock
        self._known = dict.fromkeys(config().senders, clock())  # since when
        self._looked: tuple[datetime, Sequence[Heard]] | None = None

    def look(self) -> Sequence[Heard] | None:
        """Return every configured sender; None when the ledger cannot be read."""
        senders = self._config().senders
        now = self._clock()
        # A sender that is new in a running process has as much time as at a start.
        known = self._known = {name: self._known.get(name, now) for name in senders}
        last = last_deliveries(self._database, senders)
        if last is None:
            return None
        return [
            Heard(
                name,
                last.get(name),
                sender.expect_every,
                is_silent=sender.expect_every is not None
                and now - last.get(name, known[name]) > sender.expect_every,
            )
            for name, sender in senders.items()
        ]

    def recent(self) -> Sequence[Heard] | None:
        """Return what a look has found that is a few seconds old at most."""
        now = self._clock()
        if self._looked is not None and timedelta() <= now - self._looked[0] < FRESH:
            return self._looked[1]
        found = self.look()
        self._looked = None if found is None else (now, found)
        return found


class Watch:
    """Writes a line when a sender falls silent, once, and one when it is heard again."""

    def __init__(self, hearing: Hearing, *, between: float = BETWEEN_LOOKS) -> None:
        """Take who knows; `start` begins."""
        self._hearing = hearing
        self._between = between
        self._silent: set[str] = set()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        """Look now, and then again and again."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def look(self) -> None:
        """Look once, and write what has changed."""
        found = self._hearing.look()
        if found is None:  # others tell that the ledger cannot be read
            return
        for heard in found:
            if heard.is_silent and heard.sender not in self._silent:
                logs.warning("sender.silent", **_fields(heard))
            if not heard.is_silent and heard.sender in self._silent:
                logs.event("sender.heard", **_fields(heard))
        self._silent = {heard.sender for heard in found if heard.is_silent}

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.look()
            except Exception as exc:  # noqa: BLE001  # the thread must outlive whatever fails
                logs.failure("watch.failed", exc)
            self._stopping.wait(self._between)


def _fields(heard: Heard) -> dict[str, str | None]:
    last, expected = heard.last_delivery_at, heard.expect_every
    return {
        "sender": heard.sender,
        "last_delivery_at": None if last is None else last.isoformat(timespec="milliseconds"),
        "expect_every": None if expected is None else format_duration(expected),
    }
