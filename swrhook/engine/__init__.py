"""Engines run lanes when they are due: one for SQLite, one for PostgreSQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection

from swrhook.model import Lane


class LaneWork(Protocol):
    """Does the work of a lane; called by an engine."""

    def run(self, lane: Lane, until: datetime) -> datetime | None:
        """Work on the lane's syncs that are due by `until`; return when the lane is due again."""
        ...


class Engine(Protocol):
    """Runs each lane when it is due, and never twice at the same time, whatever the process."""

    def wake(self, lanes: Sequence[Lane], at: datetime, connection: Connection) -> None:
        """Run the lanes at a time, provided that the connection's transaction commits."""
        ...

    def run_now(self, lane: Lane) -> None:
        """Run a postponed lane immediately; capacity may be free."""
        ...

    def start(self) -> None:
        """Start to run lanes, including those that an earlier process left unfinished."""
        ...

    def check(self) -> str | None:
        """Return why this process runs no lanes, or None."""
        ...

    def stop(self) -> None:
        """Finish the runs in flight, and start no more."""
        ...
