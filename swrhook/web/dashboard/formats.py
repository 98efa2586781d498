"""Formatting of times, and a cache that shares slow queries between page views."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from swrhook.clock import Clock
from swrhook.units import format_span

Value = TypeVar("Value")


def instant(moment: datetime) -> str:
    """Write a time for readers: UTC, to the second."""
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def format_ago(moment: datetime, now: datetime) -> str:
    """Write how long ago a time was, or in how long it is, in its largest unit: `3 hours ago`."""
    seconds = (now - moment).total_seconds()
    size = abs(seconds)
    unit, length = next((unit for unit in _AGO_UNITS if size >= unit[1]), _AGO_UNITS[-1])
    count = int(size // length)
    words = f"{count} {unit}{'' if count == 1 else 's'}"
    return f"in {words}" if seconds < 0 else f"{words} ago"


_AGO_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


def shorten_digest(digest: str) -> str:
    """Write a digest with so many of its characters as tell it from others."""
    algorithm, _, value = digest.partition(":")
    return f"{algorithm}:{value[:_SHORT_DIGEST]}" if len(value) > _SHORT_DIGEST else digest


_SHORT_DIGEST = 12


def format_seconds(seconds: float) -> str:
    """Write a span of time given in seconds, as `format_span` does."""
    return format_span(timedelta(seconds=seconds))


def format_error(code: str | None, message: str | None) -> str:
    """Write an error: SWR's message, with the code by which docs/errors.md lists it.

    `HTTP.503` is no code of SWR: there the status is named only if the message does not.
    """
    status = (code or "").removeprefix("HTTP.")
    if status == code:
        return f"{message} ({code})" if message else str(code)
    if not message:
        return f"HTTP status {status}"
    return message if status in message else f"HTTP status {status}: {message}"


class TimedCache(Generic[Value]):
    """Caches the value of a slow function for a fixed time; safe for several threads."""

    def __init__(self, compute: Callable[[], Value], lifetime: timedelta, clock: Clock) -> None:
        """Compute nothing yet."""
        self._compute = compute
        self._lifetime = lifetime
        self._clock = clock
        self._lock = threading.Lock()
        self._cached: tuple[datetime, Value] | None = None

    def get(self) -> Value:
        """Return the cached value, computed now if there is none or it is too old."""
        with self._lock:
            now = self._clock.now()
            # A clock that was set back makes the age negative: then compute as well.
            if self._cached is None or not timedelta() <= now - self._cached[0] < self._lifetime:
                self._cached = now, self._compute()
            return self._cached[1]
