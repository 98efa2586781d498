"""When to try again: exponential backoff with full jitter, and the schedule of looks."""

from dataclasses import dataclass
from datetime import timedelta
from random import Random

# Doubling further than this overflows a float long after every cap was reached.
_MOST_DOUBLINGS = 60


@dataclass(frozen=True, slots=True)
class Backoff:
    """`base` doubles with each attempt up to `cap`."""

    base: timedelta
    cap: timedelta

    def ceiling(self, attempt: int) -> timedelta:
        """Return the longest wait after this attempt (the first is 1)."""
        doublings = min(max(attempt - 1, 0), _MOST_DOUBLINGS)
        return timedelta(
            seconds=min(self.base.total_seconds() * 2.0**doublings, self.cap.total_seconds())
        )

    def jittered(self, attempt: int, rng: Random, *, at_least: float | None = None) -> timedelta:
        """Return a wait between nothing and the ceiling: full jitter spreads what failed together.

        `at_least` is a server's Retry-After in seconds; the jitter then comes on top of it.
        """
        wait = timedelta(seconds=rng.uniform(0, self.ceiling(attempt).total_seconds()))
        return wait + timedelta(seconds=at_least) if at_least else wait


@dataclass(frozen=True, slots=True)
class Retry:
    """How long and how often a failed call is tried again: `settings.retry`."""

    backoff: Backoff = Backoff(timedelta(seconds=1), timedelta(minutes=10))
    deadline: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Verify:
    """How a tag is looked for, and how often a lost call is repeated: `settings.verify`."""

    backoff: Backoff = Backoff(timedelta(seconds=1), timedelta(minutes=1))
    deadline: timedelta = timedelta(minutes=30)
    retriggers: int = 3


@dataclass(frozen=True, slots=True)
class Limits:
    """Everything that ends or delays a sync by time."""

    retry: Retry = Retry()
    verify: Verify = Verify()
    source_deadline: timedelta = timedelta(minutes=30)
