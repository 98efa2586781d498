"""What runs lanes when they are due."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection

from swrhook.model import Lane

# Works on a lane's syncs that are due by the time given; returns when the lane is due again.
RunLane = Callable[[Lane, datetime], datetime | None]


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
