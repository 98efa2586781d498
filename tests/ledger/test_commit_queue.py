"""Group commit: batches, limits, timeouts and errors."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from swrhook.ledger.commit_queue import CommitQueue, QueueClosed, QueueFull, QueueLimits
from tests.waiting import eventually

PATIENCE = 20.0
LIMITS = QueueLimits(batch_items=4, batch_cost=10, waiting_items=6, waiting_bytes=1000)


@dataclass
class Batch:
    results: Sequence[str]
    on_publish: Callable[[], None] = lambda: None

    def publish(self) -> None:
        self.on_publish()


@dataclass
class Committer:
    """A Committer that remembers its batches and can be made to hang or fail."""

    batches: list[Sequence[int]] = field(default_factory=list)
    proceed: threading.Event = field(default_factory=threading.Event)
    error: Exception | None = None
    on_publish: Callable[[], None] = lambda: None
    paused: int | None = None  # the number of the batch that hangs

    def __post_init__(self) -> None:
        self.proceed.set()

    def commit(self, items: Sequence[int]) -> Batch:
        self.batches.append(items)
        if len(self.batches) == self.paused:
            self.proceed.clear()
        assert self.proceed.wait(PATIENCE)
        if self.error is not None:
            raise self.error
        return Batch([f"result {item}" for item in items], self.on_publish)


@pytest.fixture
def committer() -> Committer:
    return Committer()


@pytest.fixture
def queue(committer: Committer) -> CommitQueue[int, str]:
    return CommitQueue[int, str](committer, LIMITS)


@contextmanager
def busy(
    queue: CommitQueue[int, str], committer: Committer, items: Sequence[int], size: int = 1
) -> Iterator[list["Future[str | None]"]]:
    """Submit item 0, whose commit hangs until the block ends, and then the items one by one."""
    committer.proceed.clear()
    with ThreadPoolExecutor(1 + len(items)) as threads:
        futures = [threads.submit(queue.submit, 0, 1, PATIENCE)]
        assert eventually(lambda: len(committer.batches) == 1)
        for number, item in enumerate(items, 1):
            futures.append(threads.submit(queue.submit, item, size, PATIENCE))
            assert eventually(lambda: queue.waiting == number)  # noqa: B023
        yield futures
        committer.proceed.set()


def test_a_lone_item_is_committed_at_once(
    queue: CommitQueue[int, str], committer: Committer
) -> None:
    assert queue.submit(7, 1, PATIENCE) == "result 7"
    assert committer.batches == [[7]]
    assert queue.waiting == 0


def test_items_that_wait_share_batches_in_their_order(
    queue: CommitQueue[int, str], committer: Committer
) -> None:
    with busy(queue, committer, [1, 2, 3, 4, 5]) as futures:
        pass

    assert [future.result() for future in futures] == [f"result {item}" for item in range(6)]
    assert committer.batches == [[0], [1, 2, 3, 4], [5]]


def test_the_number_of_waiting_items_is_limited(
    queue: CommitQueue[int, str], committer: Committer
) -> None:
    with busy(queue, committer, [1, 2, 3, 4, 5, 6]), pytest.raises(QueueFull):
        queue.submit(7, 1, PATIENCE)

    assert queue.submit(8, 1, PATIENCE) == "result 8"


def test_the_size_of_waiting_items_is_limited_but_a_first_one_is_always_taken(
    queue: CommitQueue[int, str], committer: Committer
) -> None:
    with busy(queue, committer, [1], size=5000), pytest.raises(QueueFull):
        queue.submit(2, 1, PATIENCE)

    assert queue.submit(3, 5000, PATIENCE) == "result 3"


def test_an_item_that_timed_out_in_the_queue_is_not_committed(
    queue: CommitQueue[int, str], committer: Committer
) -> None:
    with busy(queue, committer, [1]) as futures, ThreadPoolExecutor(1) as thread:
        assert queue.submit(2, 999, 0.05) is None
        assert queue.waiting == 1
        futures.append(thread.submit(queue.submit, 3, 999, PATIENCE))
        assert eventually(lambda: queue.waiting == 2)
        committer.proceed.set()

    assert [future.result() for future in futures] == ["result 0", "result 1", "result 3"]
    assert committer.batches == [[0], [1, 3]]


def test_a_batch_is_limited_by_what_its_items_cost(
    queue: CommitQueue[int, str], committer: Committer
) -> None:
    with busy(queue, committer, []) as futures, ThreadPoolExecutor(5) as threads:
        for number, cost in enumerate([6, 4, 1, 50, 1], 1):
            futures.append(threads.submit(queue.submit, number, 1, PATIENCE, cost=cost))
            assert eventually(lambda: queue.waiting == number)  # noqa: B023
        committer.proceed.set()

    assert [future.result() for future in futures] == [f"result {item}" for item in range(6)]
    assert committer.batches == [[0], [1, 2], [3], [4], [5]]


def test_no_thread_waits_longer_than_its_timeout_for_a_commit_that_hangs(
    queue: CommitQueue[int, str], committer: Committer
) -> None:
    committer.proceed.clear()
    assert queue.submit(1, 1, 0.05) is None
    assert committer.batches == [[1]]
    committer.proceed.set()

    assert queue.submit(2, 1, PATIENCE) == "result 2"


def test_a_thread_that_timed_out_during_its_batch_does_not_hold_up_the_others(
    queue: CommitQueue[int, str], committer: Committer
) -> None:
    with busy(queue, committer, []) as futures, ThreadPoolExecutor(3) as threads:
        for number, timeout in enumerate([PATIENCE, 0.3, PATIENCE], 1):
            futures.append(threads.submit(queue.submit, number, 1, timeout))
            assert eventually(lambda: queue.waiting == number)  # noqa: B023
        committer.paused = 2
        committer.proceed.set()
        assert futures[2].result() is None
        committer.proceed.set()

    assert [future.result() for future in futures] == ["result 0", "result 1", None, "result 3"]
    assert committer.batches == [[0], [1, 2, 3]]


def test_what_follows_a_commit_happens_though_all_its_threads_timed_out(
    queue: CommitQueue[int, str], committer: Committer
) -> None:
    published = threading.Event()
    committer.on_publish = published.set
    committer.proceed.clear()
    assert queue.submit(1, 1, 0.05) is None
    committer.proceed.set()

    assert published.wait(PATIENCE)


def test_an_error_of_a_commit_is_raised_in_every_thread_of_its_batch(
    queue: CommitQueue[int, str], committer: Committer
) -> None:
    with busy(queue, committer, [1, 2]) as futures:
        committer.error = ZeroDivisionError()
    committer.error = None

    assert [type(future.exception()) for future in futures] == [ZeroDivisionError] * 3
    assert queue.submit(3, 1, PATIENCE) == "result 3"


def test_an_error_after_the_commit_takes_no_result_back(
    queue: CommitQueue[int, str], committer: Committer
) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    committer.on_publish = fail

    assert queue.submit(1, 1, PATIENCE) == "result 1"


def test_the_next_commit_does_not_wait_for_publishing(
    queue: CommitQueue[int, str], committer: Committer
) -> None:
    second_batch = threading.Event()

    def publish() -> None:
        if eventually(lambda: len(committer.batches) == 2):
            second_batch.set()

    committer.on_publish = publish
    with busy(queue, committer, [1]):
        pass

    assert second_batch.is_set()


def test_a_closed_queue_takes_no_items_and_commits_those_that_wait(
    queue: CommitQueue[int, str], committer: Committer
) -> None:
    with busy(queue, committer, [1, 2]) as futures:
        threading.Timer(0.1, committer.proceed.set).start()
        queue.close(PATIENCE)
        assert committer.batches == [[0], [1, 2]]
        assert queue.is_closed
        with pytest.raises(QueueClosed):
            queue.submit(3, 1, PATIENCE)

    assert [future.result() for future in futures] == ["result 0", "result 1", "result 2"]


def test_close_waits_for_nothing_in_a_queue_that_took_no_item(queue: CommitQueue[int, str]) -> None:
    queue.close(PATIENCE)

    assert queue.busy_for == 0


def test_close_waits_no_longer_than_its_timeout(
    queue: CommitQueue[int, str], committer: Committer
) -> None:
    with busy(queue, committer, []):
        began = time.monotonic()
        queue.close(0.1)
        assert time.monotonic() - began < PATIENCE / 2


def test_many_threads_each_get_their_own_result(
    queue: CommitQueue[int, str], committer: Committer
) -> None:
    def submit(thread: int) -> list[str | None]:
        return [queue.submit(100 * thread + number, 1, PATIENCE) for number in range(100)]

    # As many threads as can wait without the queue being full.
    with ThreadPoolExecutor(LIMITS.waiting_items) as threads:
        results = list(threads.map(submit, range(LIMITS.waiting_items)))

    assert [result for of_thread in results for result in of_thread] == [
        f"result {100 * thread + number}" for thread in range(6) for number in range(100)
    ]
    assert sum(len(batch) for batch in committer.batches) == 600
