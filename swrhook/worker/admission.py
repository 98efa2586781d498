"""Admission control: whether a lane may run now, or when it should try again.

A run is admitted when both of its regions have capacity and their rate limits allow a request. A
lane that is not admitted keeps its position in a queue: lanes that come later wait behind it. Runs
that make calls for fresh pushes go first, backfills last.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum
from itertools import count

from swrhook.config.model import Pace
from swrhook.model import Lane, State, Sync
from swrhook.worker.rate_limiter import AdaptiveRateLimiter

# A run occupies both of its regions for this long, then only the one whose answer it awaits: a
# region that hangs then takes no capacity from the other one.
BRIEF = timedelta(seconds=1)
# When capacity will be free is unknown, so a lane tries again: the later, the more lanes go first.
_RETRY_AFTER = timedelta(seconds=0.5)
_MAX_WAIT = timedelta(seconds=15)
# A lane that does not try again in time leaves the queue: its syncs may have been cancelled.
_QUEUED_FOR = timedelta(seconds=5)


class Urgency(IntEnum):
    """The order of admission."""

    FRESH = 0  # calls for fresh pushes
    VERIFY = 1  # reads after a call
    BACKFILL = 2


Order = tuple[Urgency, int]  # a lane's place in a queue: by urgency, then by arrival


def urgency_of(syncs: Sequence[Sync]) -> Urgency:
    """Return the urgency of a run that works on these syncs."""
    fresh = [sync for sync in syncs if not sync.backfill]
    if not fresh:
        return Urgency.BACKFILL
    is_called = all(sync.state is State.TRIGGERED for sync in fresh)
    return Urgency.VERIFY if is_called else Urgency.FRESH


@dataclass(frozen=True, slots=True)
class Postponed:
    """A lane must not run before `until`, because of a limit of `region`."""

    until: datetime
    region: str
    reason: str  # in_flight, in_flight_per_target, pace, paused


@dataclass(slots=True, eq=False)
class Slot:
    """An admitted run, and the region whose answer it awaits."""

    lane: Lane
    started_at: datetime
    pace: Pace
    awaited_region: str | None = None

    def occupies(self, region: str, now: datetime) -> bool:
        """Return whether the run takes capacity of a region."""
        if timedelta() <= now - self.started_at < BRIEF:
            return region in (self.lane.source_region, self.lane.target.region)
        return self.awaited_region == region


@dataclass(frozen=True, slots=True)
class _QueuedLane:
    """A lane's position: the queue, and its place in it."""

    queue: str
    order: Order
    expires_at: datetime
    needs_capacity: bool


@dataclass(slots=True)
class Admission:
    """The admitted runs and the queued lanes of one process; thread-safe.

    `on_capacity` is called with a queued lane that may be admitted now, before it would try again.

    `is_single_process` tells that no other process works on the same ledger. Where there are
    others, a lane queued here may be admitted by another process, and nothing here learns of it.
    Therefore only lanes of higher urgency go first there, and arrival does not count.
    """

    rate_limiter: AdaptiveRateLimiter
    workers: int
    on_capacity: Callable[[Lane], None]
    is_single_process: bool = True
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _slots: list[Slot] = field(default_factory=list)
    _queued: dict[Lane, _QueuedLane] = field(default_factory=dict)
    _arrivals: Iterator[int] = field(default_factory=lambda: count(1))

    def acquire(self, lane: Lane, urgency: Urgency, pace: Pace, now: datetime) -> Slot | Postponed:
        """Admit a run of the lane, or return when to try again."""
        with self._lock:
            self._drop_expired(now)
            queued = self._queued.pop(lane, None)
            arrival = next(self._arrivals) if queued is None else queued.order[1]
            postponed = self._enqueue(lane, (urgency, arrival), pace, now)
            if postponed is not None:
                return postponed
            slot = Slot(lane, now, pace)
            self._slots.append(slot)
            return slot

    def would_wait(self, lane: Lane, pace: Pace, now: datetime) -> Postponed | None:
        """Return when to try again if the lane is queued and cannot have become more urgent.

        This saves most queued lanes a query of the ledger. After None, read the lane's syncs and
        call `acquire`.
        """
        with self._lock:
            self._drop_expired(now)
            queued = self._queued.get(lane)
            if queued is None or queued.order[0] is not Urgency.FRESH:
                return None
            return self._enqueue(lane, queued.order, pace, now)

    def switch_region(self, slot: Slot, region: str, now: datetime) -> Postponed | None:
        """Let a run await an answer of the region, or return that it has no capacity left."""
        with self._lock:
            if not slot.occupies(region, now) and not self._capacity(region, slot.pace, now):
                return Postponed(now + _RETRY_AFTER, region, "in_flight")
            slot.awaited_region = region
        return None

    def release(self, slot: Slot) -> None:
        """End a run, and wake the lanes that are first to use its capacity."""
        with self._lock:
            self._slots.remove(slot)
            first = [self._first_queued(queue) for queue, _ in _queues(slot.lane)]
            lanes = list(dict.fromkeys(lane for lane in first if lane is not None))
            if not self.is_single_process:  # another process may run them: they must not block us
                for lane in lanes:
                    del self._queued[lane]
        # Without the lock: this calls the engine, which has locks of its own.
        for lane in lanes:
            self.on_capacity(lane)

    def _drop_expired(self, now: datetime) -> None:
        expired = [lane for lane, queued in self._queued.items() if queued.expires_at < now]
        for lane in expired:
            del self._queued[lane]

    def _enqueue(self, lane: Lane, order: Order, pace: Pace, now: datetime) -> Postponed | None:
        """Queue the lane at the first limit it exceeds; return None if it exceeds none."""
        for queue, region in _queues(lane):
            postponed = self._check_limit(queue, region, order, pace, now)
            if postponed is not None:
                needs_capacity = postponed.reason.startswith("in_flight")
                expires_at = postponed.until + _QUEUED_FOR
                self._queued[lane] = _QueuedLane(queue, order, expires_at, needs_capacity)
                return postponed
        return None

    def _check_limit(
        self, queue: str, region: str, order: Order, pace: Pace, now: datetime
    ) -> Postponed | None:
        others = [queued for queued in self._queued.values() if queued.queue == queue]
        limit = order if self.is_single_process else (order[0], 0)
        ahead = sum(1 for queued in others if queued.order < limit)
        waiting = ahead if self.is_single_process else len(others)
        if queue != region:
            running = sum(1 for slot in self._slots if _queues(slot.lane)[0][0] == queue)
            if ahead < pace.in_flight_per_target - running:
                return None
            return _no_capacity(region, "in_flight_per_target", waiting, now)
        if ahead >= self._capacity(region, pace, now):
            return _no_capacity(region, "in_flight", waiting, now)
        reserve = order[0] is not Urgency.FRESH
        wait = self.rate_limiter.delay(
            region, now, pace.per_second, ahead=ahead, leaves_reserve=reserve
        )
        if not wait:
            return None
        reason = "paused" if self.rate_limiter.pause(region, now) else "pace"
        return Postponed(now + wait, region, reason)

    def _capacity(self, region: str, pace: Pace, now: datetime) -> int:
        running = sum(1 for slot in self._slots if slot.occupies(region, now))
        # Less than half of the threads each: two regions that hang leave one for the others.
        return max(min(pace.in_flight, (self.workers - 1) // 2), 1) - running

    def _first_queued(self, queue: str) -> Lane | None:
        lanes = {
            queued.order: lane
            for lane, queued in self._queued.items()
            if queued.queue == queue and queued.needs_capacity
        }
        return lanes[min(lanes)] if lanes else None


def _queues(lane: Lane) -> Sequence[tuple[str, str]]:
    """Return the queues that a lane has to pass, each with the region whose limit it guards."""
    source, target = lane.source_region, lane.target.region
    return ((f"{source}>{target}", target), (target, target), (source, source))


def _no_capacity(region: str, reason: str, waiting: int, now: datetime) -> Postponed:
    wait = min(_RETRY_AFTER * (1 + waiting / 4), _MAX_WAIT)
    return Postponed(now + wait, region, reason)
