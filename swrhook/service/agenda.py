"""Tells the background threads of a process whether there is anything to do for them.

Each question costs PostgreSQL a transaction, several times a second if every thread asks for
itself. So one read answers them all, and its answers serve for the next seconds.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from swrhook.clock import Clock
from swrhook.ledger import notifications, repairs
from swrhook.ledger.database import Database
from swrhook.ledger.expansion import due_expansions
from swrhook.ledger.gap_settlement import has_gaps
from swrhook.ledger.notices import has_notices

# Seconds; a read of SQLite costs hardly anything.
_MAX_AGE, _MAX_AGE_ON_SQLITE = 1.8, 0.2


@dataclass(frozen=True, slots=True)
class Tasks:
    """What there is to do."""

    repairs: bool
    expansions: bool
    notifications: bool
    gaps: bool


class Agenda:
    """Reads the tasks, at most once in about two seconds; thread-safe."""

    def __init__(
        self, database: Database, clock: Clock, *, timer: Callable[[], float] = monotonic
    ) -> None:
        self._database = database
        self._clock = clock
        self._timer = timer
        self._max_age = _MAX_AGE_ON_SQLITE if database.is_sqlite else _MAX_AGE
        self._lock = threading.Lock()
        self._read_at = 0.0
        self._tasks: Tasks | None = None

    def current(self) -> Tasks:
        """Return the tasks as they were a moment ago. Raises SQLAlchemyError and OSError."""
        with self._lock:
            now = self._timer()
            if self._tasks is None or now - self._read_at >= self._max_age:
                self._tasks = None  # what is old is of no use, should the read fail
                self._tasks, self._read_at = self._read(), now
            return self._tasks

    def _read(self) -> Tasks:
        now = self._clock.now()
        with self._database.read() as connection:
            return Tasks(
                repairs=repairs.next_due(connection, now) is not None,
                expansions=bool(due_expansions(connection, now)),
                notifications=has_notices(connection)
                or bool(notifications.due_channels(connection, now)),
                gaps=has_gaps(connection),
            )
