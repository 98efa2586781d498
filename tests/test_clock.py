"""The system clock shows the time in UTC, and the steady clock never jumps."""

from datetime import UTC, datetime, timedelta, tzinfo
from time import time
from typing import Self

import pytest

from swrhook import clock
from swrhook.clock import SteadyClock, SystemClock

SECOND = timedelta(seconds=1)


class SlowTime(datetime):
    """A wall clock that was set back by two hours."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return cls.fromtimestamp(time() - 2 * 3600, tz)


def test_the_system_clock_returns_the_time_in_utc() -> None:
    now = SystemClock().now()

    assert now.tzinfo is UTC
    assert abs(datetime.now(UTC) - now) < SECOND


def test_the_steady_clock_starts_with_the_system_time() -> None:
    now = SteadyClock().now()

    assert now.tzinfo is UTC
    assert abs(datetime.now(UTC) - now) < SECOND


def test_the_steady_clock_does_not_follow_a_jump_of_the_wall_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steady, system = SteadyClock(), SystemClock()
    monkeypatch.setattr(clock, "datetime", SlowTime)

    assert datetime.now(UTC) - system.now() > timedelta(hours=1)
    assert abs(datetime.now(UTC) - steady.now()) < SECOND


def test_the_steady_clock_advances_with_the_monotonic_clock(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seconds = 100.0
    monkeypatch.setattr(clock, "monotonic", lambda: seconds)
    steady = SteadyClock()
    before = steady.now()

    seconds += 30

    assert steady.now() - before == timedelta(seconds=30)
