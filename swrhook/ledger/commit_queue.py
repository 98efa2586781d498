"""A queue whose items are committed in batches by the threads that submit them (group commit).

The first thread that finds the queue idle becomes the leader: it commits what waits, its own item
included, and then makes the thread that has waited longest the next leader. A lone thread never
waits for another one, and many threads share one flush of the disk.
"""

import threading
import time
from _thread import LockType
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Generic, Protocol, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
Item_contra = TypeVar("Item_contra", contravariant=True)
Result_co = TypeVar("Result_co", covariant=True)

_IDLE_POLL = 0.02  # seconds


class QueueFull(Exception):
    """The item was not queued: too many items wait, or they take too much memory."""


class QueueClosed(Exception):
    """The item was not queued: the queue takes no more."""


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """The bounds of a queue.

    `batch_items`: a leader commits at most so many items, and only one batch.
    `waiting_items`, `waiting_bytes`: what may wait beside the batch that is being committed. Into
    an empty queue an item of any size is taken.
    """

    batch_items: int
    waiting_items: int
    waiting_bytes: int


class CommittedBatch(Protocol[Result_co]):
    """The outcome of a batch."""

    @property
    def results(self) -> Sequence[Result_co]:
        """Return one result for each item, in the order of the items."""
        ...

    def publish(self) -> None:
        """Run what follows the commit. The next leader is at work by then; errors are ignored."""
        ...


class Committer(Protocol[Item_contra, Result_co]):
    """Commits batches; the queue calls it from one thread at a time."""

    def commit(self, items: Sequence[Item_contra]) -> CommittedBatch[Result_co]:
        """Commit the items."""
        ...


def _locked() -> LockType:
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(slots=True, eq=False)
class _Pending(Generic[Item, Result]):
    """A submitted item, and the thread that waits for its result or to become the leader."""

    item: Item
    size: int
    # Released to wake the thread. A bare lock costs a fraction of an Event, once per request.
    wake: LockType = field(default_factory=_locked)
    result: Result | None = None
    leads: bool = False
    is_abandoned: bool = False
    next_in_batch: "_Pending[Item, Result] | None" = None


class CommitQueue(Generic[Item, Result]):
    """Commits submitted items in batches, in the order of submission."""

    def __init__(self, committer: Committer[Item, Result], limits: QueueLimits) -> None:
        self._committer = committer
        self._limits = limits
        self._lock = threading.Lock()  # guards the attributes below
        self._pending: list[_Pending[Item, Result]] = []
        self._bytes = 0
        self._is_led = False
        self._led_since = 0.0
        self._is_closed = False

    @property
    def waiting(self) -> int:
        """Return how many items wait for a leader."""
        return len(self._pending)

    @property
    def is_closed(self) -> bool:
        """Tell whether the queue takes no more."""
        return self._is_closed

    @property
    def led_for(self) -> float:
        """Return for how many seconds the present leader has been at work; 0 without one."""
        return time.monotonic() - self._led_since if self._is_led else 0.0

    def submit(self, item: Item, size: int, timeout: float) -> Result | None:
        """Return the result of the item once it is committed, or None after `timeout` seconds.

        An item that timed out is not committed if no leader has taken it yet; else its outcome is
        unknown. A leader commits without a timeout of its own. Raises QueueFull and QueueClosed.
        """
        pending = _Pending[Item, Result](item, size)
        self._enqueue(pending)
        if (
            not pending.leads
            and not pending.wake.acquire(timeout=timeout)
            and self._abandon(pending)
        ):
            return None
        if pending.leads:
            self._lead()
        self._wake_next(pending)
        return pending.result

    def try_to_lead(self) -> bool:
        """Take the lead if the queue is idle, without an item; `hand_over` gives it back."""
        with self._lock:
            is_leader, self._is_led = not self._is_led, True
            if is_leader:
                self._led_since = time.monotonic()
        return is_leader

    def hand_over(self) -> None:
        """Make the thread that has waited longest the leader; without one, the queue is idle."""
        with self._lock:
            self._is_led = bool(self._pending)
            self._led_since = time.monotonic()
            if self._pending:
                self._pending[0].leads = True
                self._pending[0].wake.release()

    def close(self, timeout: float) -> None:
        """Take no more items, and wait until the rest is committed, at most `timeout` seconds."""
        with self._lock:
            self._is_closed = True
        deadline = time.monotonic() + timeout
        while self._is_led and time.monotonic() < deadline:
            time.sleep(_IDLE_POLL)

    def _enqueue(self, pending: _Pending[Item, Result]) -> None:
        with self._lock:
            if self._is_closed:
                raise QueueClosed
            is_full = (
                len(self._pending) >= self._limits.waiting_items
                or self._bytes + pending.size > self._limits.waiting_bytes
            )
            if self._pending and is_full:
                raise QueueFull
            self._pending.append(pending)
            self._bytes += pending.size
            pending.leads = not self._is_led
            if pending.leads:
                self._led_since = time.monotonic()
            self._is_led = True

    def _abandon(self, pending: _Pending[Item, Result]) -> bool:
        """Stop waiting after a timeout; False if the thread was woken at the same moment."""
        with self._lock:
            if pending.leads or pending.result is not None:
                return False
            pending.is_abandoned = True
            if pending in self._pending:
                self._pending.remove(pending)
                self._bytes -= pending.size
            return True

    def _lead(self) -> None:
        """Commit one batch, then hand over."""
        batch = self._take_batch()
        try:
            committed = self._committer.commit([pending.item for pending in batch])
            with self._lock:
                for pending, result in zip(batch, committed.results, strict=True):
                    pending.result = result
        finally:
            # Before the results are published: the next commit need not wait for that.
            self.hand_over()
        with suppress(Exception):  # the batch is on disk, whatever fails from here on
            committed.publish()

    def _take_batch(self) -> Sequence[_Pending[Item, Result]]:
        # The only bound on a leader: the number of items, whatever each of them costs.
        most = self._limits.batch_items
        with self._lock:
            batch = self._pending[:most]
            del self._pending[:most]
            self._bytes -= sum(pending.size for pending in batch)
            for pending, following in pairwise(batch):
                pending.next_in_batch = following
        return batch

    def _wake_next(self, pending: _Pending[Item, Result]) -> None:
        """Wake the next thread of the batch.

        Each thread wakes the next one: if the leader woke all at once, they would contend for the
        interpreter's lock, and every request of the batch would take longer.
        """
        with self._lock:
            following = pending.next_in_batch if pending.result is not None else None
            while following is not None and following.is_abandoned:
                following = following.next_in_batch
        if following is not None:
            following.wake.release()
