"""What runs lanes when they are due."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection

from swrhook.model import Lane


class LaneWork(Protocol):
    """Does the work of a lane, whenever an engine runs it."""

    def run(self, lane: Lane, until: datetime) -> datetime | None:
        """Work on the lane's syncs that are due by `until`; return when the lane is due again."""
        ...


class Engine(Protocol):
    """Runs each lane at its time, never twice at once, wherever its processes are."""

    def wake(self, lanes: Sequence[Lane], at: datetime, connection: Connection) -> None:
        """Run the lanes at this time, if the connection's transaction comes to be on disk."""
        ...

    def run_now(self, lane: Lane) -> None:
        """Run a lane that was put off now: there may be room for it."""
        ...

    def start(self) -> None:
        """Begin to run lanes, with all that an earlier process left unfinished."""
        ...

    def check(self) -> str | None:
        """Return why no lane is run in this process, or None."""
        ...

    def stop(self) -> None:
        """Finish the runs in flight and begin no more."""
        ...
