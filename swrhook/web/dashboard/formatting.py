"""Times as the pages show them; what is long to find is found once for all who look."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from swrhook.clock import Clock

Found = TypeVar("Found")


def instant(moment: datetime) -> str:
    """Write a time for people: UTC, to the second."""
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def machine_instant(moment: datetime) -> str:
    """Write a time for the page's script: RFC 3339."""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def took(span: timedelta) -> str:
    """Write how long something took: `0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`."""
    seconds = max(span.total_seconds(), 0.0)
    if seconds < 10:  # noqa: PLR2004  # below, a tenth tells something
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for size, unit, smaller, small_unit in (
        (86400, "d", 3600, "h"),
        (3600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit}" + (f" {rest} {small_unit}" if rest else "")
    return f"{whole} s"


def took_seconds(seconds: float) -> str:
    """Write how long something took that was measured in seconds."""
    return took(timedelta(seconds=seconds))


class TimedCache(Generic[Found]):
    """Finds something at most every so often, however many look at it."""

    def __init__(self, find: Callable[[], Found], keep: timedelta, clock: Clock) -> None:
        """Find nothing yet."""
        self._find = find
        self._keep = keep
        self._clock = clock
        self._lock = threading.Lock()
        self._found: tuple[datetime, Found] | None = None

    def __call__(self) -> Found:
        """Return what was found lately, or find it now."""
        with self._lock:
            now = self._clock.now()
            if self._found is None or not timedelta() <= now - self._found[0] < self._keep:
                self._found = now, self._find()
            return self._found[1]
