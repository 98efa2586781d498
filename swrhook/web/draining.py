"""A process that is to end: it stops being ready, and goes on with what it has."""

import threading
from datetime import datetime


class Draining:
    """Whether this process drains, since when. `begun` ends what waits on purpose."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.since: datetime | None = None

    def begin(self, now: datetime) -> None:
        """Begin, once; there is no way back but a new process."""
        if self.since is None:
            self.since = now
        self.begun.set()

    def check(self) -> str | None:
        """Return why this process is not ready, or None."""
        return "draining" if self.begun.is_set() else None
