"""Formatting of times, and a cache that shares slow queries between page views."""

import re
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from swrhook.clock import Clock
from swrhook.units import format_span
from swrhook.wording.message import Message, say, say_count

Value = TypeVar("Value")


def instant(moment: datetime) -> str:
    """Write a time for readers: UTC, to the second."""
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def format_ago(moment: datetime, now: datetime) -> str:
    """Write how long ago a time was, or in how long it is, in its largest unit: `3 hours ago`."""
    seconds = (now - moment).total_seconds()
    size = abs(seconds)
    length, past, future = next((unit for unit in _AGES if size >= unit[0]), _AGES[-1])
    age = future if seconds < 0 else past
    return age.using(count=int(size // length))


_AGES = (
    (
        86400,
        say_count("%(count)s day ago", "%(count)s days ago", 0),
        say_count("in %(count)s day", "in %(count)s days", 0),
    ),
    (
        3600,
        say_count("%(count)s hour ago", "%(count)s hours ago", 0),
        say_count("in %(count)s hour", "in %(count)s hours", 0),
    ),
    (
        60,
        say_count("%(count)s minute ago", "%(count)s minutes ago", 0),
        say_count("in %(count)s minute", "in %(count)s minutes", 0),
    ),
    (
        1,
        say_count("%(count)s second ago", "%(count)s seconds ago", 0),
        say_count("in %(count)s second", "in %(count)s seconds", 0),
    ),
)


def shorten_digest(digest: str) -> str:
    """Write a digest with so many of its characters as tell it from others."""
    algorithm, _, value = digest.partition(":")
    return f"{algorithm}:{value[:_SHORT_DIGEST]}" if len(value) > _SHORT_DIGEST else digest


_SHORT_DIGEST = 12
_DIGEST = re.compile(r"sha(?:256|512):[0-9a-f]{64,128}")


def shorten_digests(text: str) -> str:
    """Return a text with each digest in it shortened; a message stays one."""
    if isinstance(text, Message):
        return text.using(
            **{
                name: shorten_digests(value) if isinstance(value, str) else value
                for name, value in text.values.items()
            }
        )
    return _DIGEST.sub(lambda match: shorten_digest(match[0]), text)


def format_seconds(seconds: float) -> str:
    """Write a span of time given in seconds, as `format_span` does."""
    return format_span(timedelta(seconds=seconds))


def format_error(code: str | None, message: str | None) -> str:
    """Write an error: SWR's message, with the code by which docs/errors.md lists it.

    `HTTP.503` is no code of SWR: there the status is named only if the message does not.
    Neither is a word such as `diverged`: the message says it in full.
    """
    status = (code or "").removeprefix("HTTP.")
    if message and "." not in (code or "") and status == code:
        return message
    if status == code:
        return say("%(message)s (%(code)s)", message=message, code=code) if message else str(code)
    if not message:
        return say("HTTP status %(status)s", status=status)
    if status in message:
        return message
    return say("HTTP status %(status)s: %(message)s", status=status, message=message)


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
