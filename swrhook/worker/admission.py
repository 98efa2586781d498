"""Whether a lane may work now and, if not, when: in turn, and never too many in one region.

A run of a lane is let in when there is room in both of its regions and they may be asked now. A
lane that is not let in keeps its place: the next time, those that came later stand behind it. Runs
with fresh calls to make go first, backfill last.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum

from swrhook.config.model import Pace
from swrhook.model import Lane, State, Sync
from swrhook.worker.rate_limiter import AdaptiveRateLimiter

# A run counts in both of its regions for this long, then only in the one that it waits for: what
# hangs in one region takes no room in the other.
BRIEF = timedelta(seconds=1)
# Nobody can know when there will be room, so a lane asks again, the later the more go first.
_ASK_AGAIN = timedelta(seconds=0.5)
_LONGEST_WAIT = timedelta(seconds=15)
# A place is lost when its lane does not ask again in time: its syncs may have been cancelled.
_KEPT = timedelta(seconds=5)


class Urgency(IntEnum):
    """What goes first."""

    FRESH = 0  # calls for fresh pushes
    PROOF = 1  # looks for what was called
    BACKFILL = 2


def urgency(syncs: Sequence[Sync]) -> Urgency:
    """Return how urgent a run is that works on these syncs."""
    fresh = [sync for sync in syncs if not sync.backfill]
    if not fresh:
        return Urgency.BACKFILL
    called = all(sync.state is State.TRIGGERED for sync in fresh)
    return Urgency.PROOF if called else Urgency.FRESH


@dataclass(frozen=True, slots=True)
class Postponed:
    """A lane shall not work before `until`; `region` has no room for it, by this reason."""

    until: datetime
    region: str
    reason: str  # in_flight, in_flight_per_target, pace, paused


@dataclass(slots=True, eq=False)
class Slot:
    """A run that was let in, and the region that it waits for."""

    lane: Lane
    since: datetime
    pace: Pace
    where: str | None = None

    def counts_in(self, region: str, now: datetime) -> bool:
        """Tell whether it takes room in a region."""
        if timedelta() <= now - self.since < BRIEF:
            return region in (self.lane.source_region, self.lane.target.region)
        return self.where == region


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a lane waits, and since when: `number` counts the lanes that came."""

    line: str
    urgency: Urgency
    number: int
    kept_until: datetime
    for_room: bool

    @property
    def order(self) -> tuple[Urgency, int]:
        return self.urgency, self.number


@dataclass(slots=True)
class Admission:
    """The runs inside and the lanes that wait, of one process; any engine's threads may ask.

    `hurry` is told of a lane that may find room now, sooner than it was to ask again. `alone` tells
    that no other process works on the same lanes: where one does, it may let a lane in that waits
    here, and nobody here learns of it. Then only what is more urgent goes first.
    """

    pacer: AdaptiveRateLimiter
    workers: int
    hurry: Callable[[Lane], None]
    alone: bool = True
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _inside: list[Slot] = field(default_factory=list)
    _places: dict[Lane, _Place] = field(default_factory=dict)
    _came: int = 0

    def acquire(self, lane: Lane, urgency: Urgency, pace: Pace, now: datetime) -> Slot | Postponed:
        """Let a run of the lane in, or say when to ask again."""
        with self._lock:
            self._forget(now)
            place = self._places.pop(lane, None)
            if place is None:
                self._came += 1
            order = (urgency, self._came if place is None else place.number)
            put_off = self._put_off(lane, order, pace, now)
            if put_off is not None:
                return put_off
            stay = Slot(lane, now, pace)
            self._inside.append(stay)
            return stay

    def would_wait(self, lane: Lane, pace: Pace, now: datetime) -> Postponed | None:
        """Say when to ask again, if the lane waits and nothing can have made it more urgent.

        This spares most of those that wait a look into the ledger; None: look, and `enter`.
        """
        with self._lock:
            self._forget(now)
            place = self._places.get(lane)
            if place is None or place.urgency is not Urgency.FRESH:
                return None
            return self._put_off(lane, place.order, pace, now)

    def switch_region(self, stay: Slot, region: str, now: datetime) -> Postponed | None:
        """Let a run wait for an answer of the region, or say that it has no room left."""
        with self._lock:
            if not stay.counts_in(region, now) and not self._room(region, stay.pace, now):
                return Postponed(now + _ASK_AGAIN, region, "in_flight")
            stay.where = region
        return None

    def release(self, stay: Slot) -> None:
        """Let a run out; whoever waits first for its room is told."""
        with self._lock:
            self._inside.remove(stay)
            first = [self._first(line) for line, _ in _lines(stay.lane)]
            freed = list(dict.fromkeys(lane for lane in first if lane is not None))
            if not self.alone:  # whichever process it comes to
                for lane in freed:
                    del self._places[lane]
        for lane in freed:
            self.hurry(lane)

    def _forget(self, now: datetime) -> None:
        for waiting in [lane for lane, place in self._places.items() if place.kept_until < now]:
            del self._places[waiting]

    def _put_off(
        self, lane: Lane, order: tuple[Urgency, int], pace: Pace, now: datetime
    ) -> Postponed | None:
        """Give the lane a place in the first line that it cannot pass, if there is one."""
        for line, region in _lines(lane):
            put_off = self._refusal(lane, line, region, order, pace, now)
            if put_off is not None:
                for_room = put_off.reason.startswith("in_flight")
                kept_until = put_off.until + _KEPT
                self._places[lane] = _Place(line, *order, kept_until, for_room)
                return put_off
        return None

    def _refusal(
        self,
        lane: Lane,
        line: str,
        region: str,
        order: tuple[Urgency, int],
        pace: Pace,
        now: datetime,
    ) -> Postponed | None:
        here = [place for place in self._places.values() if place.line == line]
        goes_after = order if self.alone else (order[0], 0)
        ahead = sum(1 for place in here if place.order < goes_after)
        waiting = ahead if self.alone else len(here)
        if line != region:
            if ahead < pace.in_flight_per_target - self._together(lane):
                return None
            return _no_room(region, "in_flight_per_target", waiting, now)
        if ahead >= self._room(region, pace, now):
            return _no_room(region, "in_flight", waiting, now)
        reserve = order[0] is not Urgency.FRESH
        wait = self.pacer.delay(region, now, pace.per_second, ahead=ahead, leaves_reserve=reserve)
        if not wait:
            return None
        reason = "paused" if self.pacer.pause(region, now) else "pace"
        return Postponed(now + wait, region, reason)

    def _room(self, region: str, pace: Pace, now: datetime) -> int:
        inside = sum(1 for stay in self._inside if stay.counts_in(region, now))
        # Two regions that hang leave a thread for the others.
        return max(min(pace.in_flight, (self.workers - 1) // 2), 1) - inside

    def _together(self, lane: Lane) -> int:
        line, _ = _lines(lane)[0]
        return sum(1 for stay in self._inside if _lines(stay.lane)[0][0] == line)

    def _first(self, line: str) -> Lane | None:
        waiting = {
            place.order: lane
            for lane, place in self._places.items()
            if place.line == line and place.for_room
        }
        return waiting[min(waiting)] if waiting else None


def _lines(lane: Lane) -> Sequence[tuple[str, str]]:
    """Return the lines that a lane has to pass, each with the region that it leads to."""
    source, target = lane.source_region, lane.target.region
    return ((f"{source}>{target}", target), (target, target), (source, source))


def _no_room(region: str, reason: str, waiting: int, now: datetime) -> Postponed:
    wait = min(_ASK_AGAIN * (1 + waiting / 4), _LONGEST_WAIT)
    return Postponed(now + wait, region, reason)
