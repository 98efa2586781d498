"""Answers whether images are at their targets: from what is known, else by asking SWR.

A process that serves requests asks through the ledger, and workers look.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from threading import BoundedSemaphore, Event
from time import monotonic

from swrhook.clock import Clock
from swrhook.errors import RateLimited
from swrhook.ledger.database import Database, Snapshot
from swrhook.ledger.observations import KeptObservation, find_observations
from swrhook.ledger.ports import LaneScheduler
from swrhook.ledger.questions import Failure, ask, find_failures
from swrhook.syncs.availability import Availability, Observation, judge
from swrhook.syncs.observations import Place
from swrhook.usecases.availability.copies import Copy
from swrhook.wording.message import say

# The requests of a process that may wait for an answer at a time, and for how many seconds.
MOST_WAITING = 4
LONGEST_WAIT = 10.0
# Seconds after which what is still not known is asked again: the last look may have failed.
BETWEEN_ASKS = 1.0
_POLL, _POLL_PER_PLACE = 0.03, 0.001
# How far the clocks of two processes on one PostgreSQL ledger may be apart.
_CLOCK_SKEW = timedelta(seconds=0.25)

FindCopies = Callable[[Snapshot], Sequence[Copy]]


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old an observation may be: `max_age`, when the answer is given or at the time `at`."""

    max_age: timedelta
    at: datetime | None = None

    def oldest(self, now: datetime) -> datetime:
        """Return the time since when an observation is fresh."""
        return (self.at or now) - self.max_age


@dataclass(frozen=True, slots=True)
class CheckedCopy:
    """Whether an image is at a target, and what was seen there; `reason` if that is not known."""

    copy: Copy
    state: Availability
    digest: str | None = None
    observed_at: datetime | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class _View:
    """What the ledger knows of places at one time.

    `observations` are those that were seen since `oldest`, `unseen` those that have to be looked
    at.
    """

    kept: Mapping[Place, KeptObservation]
    observations: Mapping[Place, Observation]
    failures: Mapping[Place, Failure]
    oldest: datetime
    unseen: AbstractSet[Place]


class AvailabilityChecker:
    """Checks copies for the requests of this process; thread-safe."""

    def __init__(
        self,
        database: Database,
        scheduler: LaneScheduler,
        clock: Clock,
        timer: Callable[[], float] = monotonic,
    ) -> None:
        """Take the ledger's clock, which dates the observations; `timer` measures waits."""
        self._database = database
        self._scheduler = scheduler
        self._clock = clock
        self._timer = timer
        self._skew = timedelta() if database.is_sqlite else _CLOCK_SKEW
        self._waiting = BoundedSemaphore(MOST_WAITING)

    def now(self) -> datetime:
        """Return the time by the ledger's clock."""
        return self._clock.now()

    def check(
        self, find_copies: FindCopies, freshness: Freshness, stopping: Event
    ) -> list[CheckedCopy]:
        """Check the copies that `find_copies` returns; wait for the answers until `stopping`.

        Raises RateLimited if SWR has to be asked and too many requests wait already.
        """
        with self._database.read() as snapshot:
            copies = find_copies(snapshot)
            view = self._view(snapshot, copies, freshness)
        if view.unseen:
            with self._place():
                view = self._ask(copies, view, freshness, stopping)
        return [_judge(copy, view) for copy in copies]

    def ask(self, places: Iterable[Place], since: datetime, patience: float) -> None:
        """Have places looked at, unless they were since a time; wait for nothing."""
        with self._database.write(durable=False) as connection:
            now = self._clock.now()
            until = now + timedelta(seconds=patience)
            ask(connection, places, now, since=since, until=until)
            self._scheduler.wake(connection)

    def _ask(
        self, copies: Sequence[Copy], view: _View, freshness: Freshness, stopping: Event
    ) -> _View:
        """Ask for what was not seen lately; return what is known when that is answered."""
        deadline, asked_at = self._timer() + LONGEST_WAIT, -inf
        while True:
            places = view.unseen
            if not places or (remaining := deadline - self._timer()) <= 0:
                return view
            if self._timer() - asked_at >= BETWEEN_ASKS:
                asked_at = self._timer()
                self.ask(places, view.oldest, remaining)
            if stopping.wait(min(_POLL + _POLL_PER_PLACE * len(places), remaining)):
                return view
            with self._database.read() as snapshot:
                view = self._view(snapshot, copies, freshness)

    def _view(self, snapshot: Snapshot, copies: Sequence[Copy], freshness: Freshness) -> _View:
        kept = find_observations(snapshot, {place for copy in copies for place in _places(copy)})
        now = self._clock.now()  # after what was read, so that nothing is older than it says
        oldest, newest = freshness.oldest(now) + self._skew, now + _CLOCK_SKEW
        observations = {
            place: Observation(seen.digest)
            for place, seen in kept.items()
            if oldest <= seen.observed_at <= newest
        }
        failures: Mapping[Place, Failure] = {}
        if unseen := _unseen(copies, observations, failures):
            failures = find_failures(snapshot, unseen)
            unseen = _unseen(copies, observations, failures)
        return _View(kept, observations, failures, oldest, unseen)

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._waiting.acquire(blocking=False):
            raise RateLimited(say("too many requests of this process wait for SWR: try again"), 1)
        try:
            yield
        finally:
            self._waiting.release()


def _places(copy: Copy) -> Iterator[Place]:
    """Yield the places that decide about a copy."""
    if copy.target is not None:
        yield copy.target
    if copy.source is not None and copy.asked.digest is None:
        yield copy.source


def _unseen(
    copies: Iterable[Copy],
    observations: Mapping[Place, Observation],
    failures: Mapping[Place, Failure],
) -> set[Place]:
    """Return the places to look at; none of a copy that others decide, or if a look is in vain."""
    unseen: set[Place] = set()
    for copy in copies:
        target = None if copy.target is None else observations.get(copy.target)
        if target is not None and target.digest is None:
            continue
        places = [place for place in _places(copy) if place not in observations]
        if not any(place in failures and failures[place].is_final for place in places):
            unseen.update(places)
    return unseen


def _judge(copy: Copy, view: _View) -> CheckedCopy:
    if copy.target is None:
        reason = "no tag with this digest is known: name its tag, too"
        return CheckedCopy(copy, Availability.UNKNOWN, reason=reason)
    target = view.observations.get(copy.target)
    source = Observation(None) if copy.source is None else view.observations.get(copy.source)
    is_on_its_way = copy.sync is not None and copy.sync.is_open
    state = judge(target, source, copy.asked.digest, is_on_its_way=is_on_its_way)
    kept = view.kept.get(copy.target)
    why = _reason(copy, view) if state is Availability.UNKNOWN else None
    if kept is None:
        return CheckedCopy(copy, state, reason=why)
    return CheckedCopy(copy, state, kept.digest, kept.observed_at, why)


def _reason(copy: Copy, view: _View) -> str:
    """Return why a place could not be looked at."""
    for place in _places(copy):
        if place not in view.observations:
            failure = view.failures.get(place)
            if failure is not None:
                return f"{place} cannot be read: {failure.message}"
            return f"no worker has looked at {place} in time"
    return "it was not looked at"
