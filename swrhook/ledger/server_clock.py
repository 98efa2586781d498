"""The database's clock, shared by every process that uses one PostgreSQL ledger."""

import threading
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from swrhook.clock import Clock
from swrhook.ledger.types import to_instant

if TYPE_CHECKING:
    from swrhook.ledger.database import Database

# The server's clock is asked this often, in seconds; between, it is carried on.
_BETWEEN_LOOKS = 10.0


class ServerClock:
    """The database's time, the same for every process on every machine.

    Between two looks it is carried on by the monotonic clock, which nobody sets: a clock of this
    machine that is wrong, or jumps, neither hastens nor delays what is due.
    """

    def __init__(self, database: "Database", wall: Clock) -> None:
        """Take the ledger; `wall` stands in until the server has answered once."""
        self._database = database
        self._wall = wall
        self._lock = threading.Lock()
        self._seen: tuple[datetime, float] | None = None
        self._next_look = 0.0

    def now(self) -> datetime:
        """Return the time, without asking the server more often than need be."""
        with self._lock:
            is_due = time.monotonic() >= self._next_look
            if is_due:
                self._next_look = time.monotonic() + _BETWEEN_LOOKS
        if is_due:  # one thread asks; the others carry on what was seen
            self._look()
        if self._seen is None:
            return self._wall.now()
        then, at = self._seen
        return then + timedelta(seconds=time.monotonic() - at)

    def _look(self) -> None:
        try:
            with self._database.read() as connection:
                asked = time.monotonic()
                now = connection.scalar(_NOW)
        except (SQLAlchemyError, OSError):
            return  # carried on as it was
        self._seen = (to_instant(int(now)), asked)


_NOW = text("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
