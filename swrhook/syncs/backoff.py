"""When to try again: exponential backoff with full jitter, and the limits that end a sync."""

from dataclasses import dataclass
from datetime import timedelta
from random import Random

# More doublings would overflow a float; every cap is reached long before.
_MAX_DOUBLINGS = 60


@dataclass(frozen=True, slots=True)
class Backoff:
    """A wait that starts at `base` and doubles with each attempt, up to `cap`."""

    base: timedelta
    cap: timedelta

    def ceiling(self, attempt: int) -> timedelta:
        """Return the longest wait after this attempt; the first attempt is 1."""
        doublings = min(max(attempt - 1, 0), _MAX_DOUBLINGS)
        return timedelta(
            seconds=min(self.base.total_seconds() * 2.0**doublings, self.cap.total_seconds())
        )

    def jittered(self, attempt: int, rng: Random, *, at_least: float | None = None) -> timedelta:
        """Return a random wait between zero and the ceiling (full jitter).

        `at_least` is a server's Retry-After in seconds; the random wait is added to it.
        """
        # Syncs that failed together must not all retry at the same moment.
        wait = timedelta(seconds=rng.uniform(0, self.ceiling(attempt).total_seconds()))
        return wait + timedelta(seconds=at_least) if at_least else wait


@dataclass(frozen=True, slots=True)
class Retry:
    """How long and how often a failed request is retried: `settings.retry`."""

    backoff: Backoff = Backoff(timedelta(seconds=1), timedelta(minutes=10))
    deadline: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Verify:
    """How a tag is polled for, and how often a lost call is repeated: `settings.verify`.

    `job_deadline` replaces `deadline` while SWR says that its job waits or runs.
    """

    backoff: Backoff = Backoff(timedelta(seconds=1), timedelta(minutes=1))
    deadline: timedelta = timedelta(minutes=30)
    job_deadline: timedelta = timedelta(hours=24)
    retriggers: int = 3

    @property
    def longest(self) -> timedelta:
        """Return how long a call may take effect at most, as far as SWR says."""
        return max(self.deadline, self.job_deadline)


@dataclass(frozen=True, slots=True)
class Limits:
    """Every time limit of a sync."""

    retry: Retry = Retry()
    verify: Verify = Verify()
    source_deadline: timedelta = timedelta(minutes=30)
