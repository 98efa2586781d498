"""Clocks: components take one as an argument, so that tests can set the time."""

from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """Return the time, with its time zone."""
        ...


class SystemClock:
    """This machine's wall clock, in UTC. It can jump when an administrator or NTP sets it."""

    def now(self) -> datetime:
        """Return the time."""
        return datetime.now(UTC)


class SteadyClock:
    """The time of its creation, continued by the monotonic clock: it never jumps."""

    def __init__(self) -> None:
        self._origin = datetime.now(UTC) - timedelta(seconds=monotonic())

    def now(self) -> datetime:
        """Return the time."""
        return self._origin + timedelta(seconds=monotonic())
