"""A queue whose items a thread of its own commits in batches (group commit).

While one batch is committed, the next one gathers: a lone item never waits for another one, and
many requests share one flush of the disk. The threads that submit items only wait, each at most for
its timeout, also while the disk hangs.
"""

import threading
import time
from _thread import LockType
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
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

    `batch_items`, `batch_cost`: what a batch holds at most; its first item may cost more.
    `waiting_items`, `waiting_bytes`: what may wait beside the batch that is being committed. Into
    an empty queue an item of any size is taken.
    """

    batch_items: int
    batch_cost: int
    waiting_items: int
    waiting_bytes: int


class CommittedBatch(Protocol[Result_co]):
    """The outcome of a batch."""

    @property
    def results(self) -> Sequence[Result_co]:
        """Return one result for each item, in the order of the items."""
        ...

    def publish(self) -> None:
        """Run what follows the commit, in the thread of an item; errors are ignored."""
        ...


class Committer(Protocol[Item_contra, Result_co]):
    """Commits batches; the queue calls it from its own thread."""

    def commit(self, items: Sequence[Item_contra]) -> CommittedBatch[Result_co]:
        """Commit the items. An error is raised in the thread of every item."""
        ...


def _locked() -> LockType:
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(slots=True, eq=False)
class _Pending(Generic[Item, Result]):
    """A submitted item, and the thread that waits for its result."""

    item: Item
    size: int
    cost: int
    # Released to wake the thread. A bare lock costs a fraction of an Event, once per request.
    wake: LockType = field(default_factory=_locked)
    result: Result | None = None
    error: Exception | None = None
    is_done: bool = False
    is_abandoned: bool = False
    publish: Callable[[], None] | None = None  # for one thread of each batch
    next_in_batch: "_Pending[Item, Result] | None" = None


class CommitQueue(Generic[Item, Result]):
    """Commits submitted items in batches, in the order of submission.

    The thread that commits begins with the first item, so that a process may fork before it.
    """

    def __init__(self, committer: Committer[Item, Result], limits: QueueLimits) -> None:
        self._committer = committer
        self._limits = limits
        self._lock = threading.Lock()  # guards the attributes below
        self._pending: list[_Pending[Item, Result]] = []
        self._bytes = 0
        self._is_closed = False
        self._is_busy = False
        self._busy_since = 0.0  # when the present batch was taken
        self._thread: threading.Thread | None = None
        self._wake = _locked()  # released to wake the thread, which is not busy

    @property
    def waiting(self) -> int:
        """Return how many items wait beside those that are being committed."""
        return len(self._pending)

    @property
    def is_closed(self) -> bool:
        """Tell whether the queue takes no more."""
        return self._is_closed

    @property
    def busy_for(self) -> float:
        """Return for how many seconds the present batch has been committed; 0 without one."""
        return time.monotonic() - self._busy_since if self._is_busy else 0.0

    def submit(self, item: Item, size: int, timeout: float, *, cost: int = 1) -> Result | None:
        """Return the result of the item once it is committed, or None after `timeout` seconds.

        An item that timed out is not committed if its commit has not begun; else its outcome is
        unknown. Raises QueueFull, QueueClosed, and what the committer raises.
        """
        pending = _Pending[Item, Result](item, size, cost)
        self._enqueue(pending)
        if not pending.wake.acquire(timeout=timeout) and self._abandon(pending):
            return None
        if pending.publish is not None:
            with suppress(Exception):  # the batch is on disk, whatever fails from here on
                pending.publish()
        self._wake_next(pending)
        if pending.error is not None:
            raise pending.error
        return pending.result

    def close(self, timeout: float) -> None:
        """Take no more items, and wait until the rest is committed, at most `timeout` seconds."""
        with self._lock:
            self._is_closed = True
            self._wake_thread()  # which ends when nothing is left
        deadline = time.monotonic() + timeout
        while self._is_busy and time.monotonic() < deadline:
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
            self._wake_thread()

    def _wake_thread(self) -> None:
        """Wake the thread that commits, unless it is at work; the caller holds the lock."""
        if self._is_busy:
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="commit", daemon=True)
            self._thread.start()
        self._is_busy = True
        self._busy_since = time.monotonic()
        self._wake.release()

    def _abandon(self, pending: _Pending[Item, Result]) -> bool:
        """Stop waiting after a timeout; False if the item was committed at the same moment."""
        with self._lock:
            if pending.is_done:
                return False
            pending.is_abandoned = True
            if pending in self._pending:
                self._pending.remove(pending)
                self._bytes -= pending.size
            return True

    def _run(self) -> None:
        while not (self._is_closed and not self._pending):
            self._wake.acquire()
            while batch := self._take_batch():
                self._commit(batch)
        with self._lock:
            self._is_busy = False  # `close` may have woken it for nothing

    def _take_batch(self) -> Sequence[_Pending[Item, Result]]:
        """Return the next batch; an empty one if nothing waits, and then the thread is idle."""
        with self._lock:
            candidates = self._pending[: self._limits.batch_items]
            costs = accumulate(pending.cost for pending in candidates)
            fitting = sum(cost <= self._limits.batch_cost for cost in costs)
            batch = candidates[: max(fitting, 1)]
            del self._pending[: len(batch)]
            self._bytes -= sum(pending.size for pending in batch)
            for pending, following in pairwise(batch):
                pending.next_in_batch = following
            self._is_busy = bool(batch)
            self._busy_since = time.monotonic()
        return batch

    def _commit(self, batch: Sequence[_Pending[Item, Result]]) -> None:
        committed, error = None, None
        try:
            committed = self._committer.commit([pending.item for pending in batch])
        except Exception as exc:  # noqa: BLE001  # it belongs to the threads that wait
            error = exc
        with self._lock:
            for index, pending in enumerate(batch):
                pending.result = None if committed is None else committed.results[index]
                pending.error = error
                pending.is_done = True
            first = next((pending for pending in batch if not pending.is_abandoned), None)
            if first is not None and committed is not None:
                first.publish = committed.publish
        # A thread of the batch publishes, so that the next commit need not wait for that.
        if first is not None:
            first.wake.release()
        elif committed is not None:
            with suppress(Exception):
                committed.publish()

    def _wake_next(self, pending: _Pending[Item, Result]) -> None:
        """Wake the next thread of the batch.

        Each thread wakes the next one: if one thread woke all at once, they would contend for the
        interpreter's lock, and every request of the batch would take longer.
        """
        with self._lock:
            following = pending.next_in_batch
            while following is not None and following.is_abandoned:
                following = following.next_in_batch
        if following is not None:
            following.wake.release()
