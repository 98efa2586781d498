"""Draining: a process that will be stopped reports "not ready" but keeps working."""

import threading
from datetime import datetime


class Draining:
    """Whether this process is draining, and since when. The event `begun` ends long polls."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.since: datetime | None = None

    def begin(self, now: datetime) -> None:
        """Start draining. It cannot be undone, and a second call changes nothing."""
        if self.since is None:
            self.since = now
        self.begun.set()

    def check(self) -> str | None:
        """Return the reason why this process is not ready, or None."""
        return "draining" if self.begun.is_set() else None
