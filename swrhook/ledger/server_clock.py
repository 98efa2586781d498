"""A clock that all processes on one PostgreSQL ledger share: the server's."""

import threading
import time
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from swrhook.clock import Clock
from swrhook.ledger.database import Database
from swrhook.ledger.types import to_instant

# Seconds between two readings of the server's clock.
_BETWEEN_READINGS = 10.0


class ServerClock:
    """The time of the database server.

    Between two readings it advances with the monotonic clock, which cannot be set. So a wall clock
    of this machine that is wrong, or jumps, changes no due time.
    """

    def __init__(self, database: Database, wall: Clock) -> None:
        """Use `wall` until the server has answered for the first time."""
        self._database = database
        self._wall = wall
        self._lock = threading.Lock()
        self._reading: tuple[datetime, float] | None = None
        self._next_reading_at = 0.0

    def now(self) -> datetime:
        """Return the time."""
        with self._lock:
            is_due = time.monotonic() >= self._next_reading_at
            if is_due:
                self._next_reading_at = time.monotonic() + _BETWEEN_READINGS
        if is_due:  # in one thread; the others go on with the previous reading
            self._read()
        if self._reading is None:
            return self._wall.now()
        server_time, read_at = self._reading
        return server_time + timedelta(seconds=time.monotonic() - read_at)

    def _read(self) -> None:
        try:
            with self._database.read() as connection:
                read_at = time.monotonic()
                microseconds = connection.scalar(_NOW)
        except (SQLAlchemyError, OSError):
            return  # the previous reading stays in use
        self._reading = (to_instant(int(microseconds)), read_at)


_NOW = text("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")
