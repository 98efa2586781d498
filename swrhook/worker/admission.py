"""Admission control: the room that each region has for runs of lanes in this process.

A region that hangs fills no process: its runs get less than half of the threads. A region that is
paused, out of pace or unavailable gets no runs, so that its lanes wait in the ledger, untouched.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from swrhook.config.model import Pace
from swrhook.engine import CapacityLimit
from swrhook.ledger.lane_queue import Occupancy
from swrhook.ledger.lanes import Flow
from swrhook.model import Urgency
from swrhook.worker.circuit_breaker import CircuitBreakers, Operation
from swrhook.worker.rate_limiter import AdaptiveRateLimiter

# A run occupies both of its regions for this long, then only the one whose answer it awaits: a
# region that hangs then takes no room from the other one.
BRIEF = timedelta(seconds=1)
# A region whose requests already wait this long for its pace gets no more runs.
_LONGEST_DELAY = timedelta(seconds=1)


@dataclass(slots=True, eq=False)
class Slot:
    """The room of an admitted run, and the region whose answer it awaits.

    `acquired` are circuit breakers that it has acquired for requests not made yet.
    """

    admission: "Admission"
    source: str
    target: str
    started_at: datetime
    awaited_region: str | None = None
    acquired: set[tuple[str, Operation]] = field(default_factory=set)

    def occupies(self, region: str, now: datetime) -> bool:
        """Return whether the run takes room of a region."""
        if self.is_brief(now):
            return region in (self.source, self.target)
        return self.awaited_region == region

    def is_brief(self, now: datetime) -> bool:
        """Return whether the run has just begun, so that it takes room of both regions."""
        return timedelta() <= now - self.started_at < BRIEF

    def release(self) -> None:
        """Give the room back."""
        self.admission.release(self)


@dataclass(slots=True)
class Admission:
    """The admitted runs of one process, and the limits of its regions; thread-safe."""

    rate_limiter: AdaptiveRateLimiter
    breakers: CircuitBreakers
    threads: int
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _slots: list[Slot] = field(default_factory=list)

    def reserve(
        self, flow: Flow, pace: Pace, now: datetime, elsewhere: Occupancy | None = None
    ) -> Slot | CapacityLimit:
        """Return room for a run of a flow, beside what other processes run."""
        for limit in (self._unavailable(flow, now), self._delay(flow, pace, now)):
            if limit is not None:
                return limit
        with self._lock:
            full = self._full(flow, pace, now, elsewhere or Occupancy())
            if full is not None:
                return full
            slot = Slot(self, flow.source, flow.target, now)
            # The probe of an open breaker is this run's alone: no other begins beside it.
            slot.acquired |= {
                needed for needed in _needed(flow) if self.breakers.acquire_probe(*needed, now)
            }
            self._slots.append(slot)
            return slot

    def switch_region(self, slot: Slot, region: str, pace: Pace, now: datetime) -> bool:
        """Let a run await an answer of the region; False if it has no room left."""
        with self._lock:
            if not slot.occupies(region, now) and self._room(region, pace, now) <= 0:
                return False
            slot.awaited_region = region
        return True

    def release(self, slot: Slot) -> None:
        """End a run; another one may make the probes that it did not make."""
        with self._lock:
            self._slots.remove(slot)
        for region, operation in slot.acquired:
            self.breakers.release(region, operation, slot.started_at)

    def _unavailable(self, flow: Flow, now: datetime) -> CapacityLimit | None:
        """Return the circuit breaker that is open for what runs of the flow need."""
        for region, operation in _needed(flow):
            wait = self.breakers.wait(region, operation, now)
            if wait:
                return CapacityLimit(region, "breaker", wait)
        return None

    def _delay(self, flow: Flow, pace: Pace, now: datetime) -> CapacityLimit | None:
        for region in (flow.source, flow.target):
            pause = self.rate_limiter.pause(region, now)
            if pause:
                return CapacityLimit(region, "paused", pause)
            delay = self.rate_limiter.delay(region, now, pace.per_second)
            if delay > _LONGEST_DELAY:
                return CapacityLimit(region, "pace", delay - _LONGEST_DELAY)
        return None

    def _full(
        self, flow: Flow, pace: Pace, now: datetime, elsewhere: Occupancy
    ) -> CapacityLimit | None:
        pair = (flow.source, flow.target)
        running = sum(1 for slot in self._slots if (slot.source, slot.target) == pair)
        if running + elsewhere.pairs[pair] >= pace.in_flight_per_target:
            return CapacityLimit(flow.target, "in_flight_per_target")
        for region in pair:
            if self._room(region, pace, now, elsewhere.regions[region]) <= 0:
                return CapacityLimit(region, "in_flight", self._next_brief_end(region, now))
        return None

    def _room(self, region: str, pace: Pace, now: datetime, elsewhere: int = 0) -> int:
        running = sum(1 for slot in self._slots if slot.occupies(region, now))
        # Less than half of the threads each: two regions that hang leave one for the others.
        own_limit = max((self.threads - 1) // 2, 1)
        return min(pace.in_flight - elsewhere, own_limit) - running

    def _next_brief_end(self, region: str, now: datetime) -> timedelta | None:
        """Return when a run that has just begun will occupy only another region."""
        ends = (
            slot.started_at + BRIEF - now
            for slot in self._slots
            if slot.is_brief(now) and slot.occupies(region, now) and slot.awaited_region != region
        )
        return min(ends, default=None)


def _needed(flow: Flow) -> Sequence[tuple[str, Operation]]:
    """Return the requests without which runs of a flow are in vain, by region and operation."""
    if flow.urgency is Urgency.PROOF:
        last = (flow.target, Operation.LOOK_TARGET)
    else:
        last = (flow.source, Operation.SYNC_IMAGES)
    return (flow.source, Operation.LOOK_SOURCE), last
