"""Values that are read in a thread and shown with their age."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

from swrhook.service.snapshot import Aged, Pace, Snapshot

GENEROUS = 30.0
PACE = Pace(interval=1, share=0.05, grace=0, patience=GENEROUS, lifetime=60)


class Source:
    """Returns 1, 2, 3, …, each when it is let go, and takes as long as the test says."""

    def __init__(self) -> None:
        self.time = 100.0
        self.takes = 0.0
        self.count = 0
        self.is_away = False
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def read(self) -> int | None:
        self.count += 1
        assert self.may_go_on.wait(GENEROUS)
        self.time += self.takes
        return None if self.is_away else self.count

    def monotonic(self) -> float:
        return self.time

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let no reading end within the block."""
        self.may_go_on.clear()
        yield
        self.may_go_on.set()


def make(source: Source, pace: Pace = PACE) -> Snapshot[int]:
    return Snapshot(source.read, pace, source.monotonic)


def until(holds: Callable[[], bool]) -> None:
    for _ in range(3000):
        if holds():
            return
        threading.Event().wait(0.01)
    raise AssertionError("waited for too long")


def test_the_first_request_waits_for_the_first_value() -> None:
    source = Source()

    assert make(source).get() == Aged(1, 0.0)


def test_requests_share_a_reading() -> None:
    source = Source()
    snapshot = make(source)
    with ThreadPoolExecutor(8) as threads:
        with source.held():
            requests = [threads.submit(snapshot.get) for _ in range(8)]
            until(lambda: source.count > 0)
        values = {request.result(GENEROUS) for request in requests}

    assert (values, source.count) == ({Aged(1, 0.0)}, 1)


def test_a_current_value_is_not_read_again() -> None:
    source = Source()
    snapshot = make(source)
    snapshot.get()
    source.time += 0.5

    assert snapshot.get() == Aged(1, 0.5)
    assert source.count == 1


def test_an_older_value_is_shown_with_its_age_while_the_next_is_read() -> None:
    source = Source()
    snapshot = make(source)
    snapshot.get()
    source.time += 5
    with source.held():
        shown = snapshot.get()

    assert shown == Aged(1, 5.0)
    until(lambda: snapshot.get() == Aged(2, 0.0))


def test_a_value_that_comes_soon_is_waited_for() -> None:
    source = Source()
    snapshot = make(source, replace(PACE, grace=GENEROUS))
    snapshot.get()
    source.time += 5

    assert snapshot.get() == Aged(2, 0.0)


def test_reading_takes_at_most_its_share_of_the_time() -> None:
    source = Source()
    snapshot = make(source, replace(PACE, grace=GENEROUS))
    source.takes = 4.0
    snapshot.get()
    source.time += 75.9  # of 80 seconds, 4 were spent on reading
    before = snapshot.get()
    source.time += 0.1
    after = snapshot.get()

    assert before is not None
    assert after is not None
    assert (before.value, after.value) == (1, 2)


def test_without_a_value_there_is_none_until_the_next_reading() -> None:
    source = Source()
    snapshot = make(source)
    source.is_away = True
    away = snapshot.get()
    source.is_away = False
    too_soon = snapshot.get()
    source.time += 1
    back = snapshot.get()

    assert (away, too_soon, back) == (None, None, Aged(2, 0.0))


def test_a_value_that_is_too_old_is_not_shown() -> None:
    source = Source()
    snapshot = make(source, replace(PACE, patience=0, grace=0))
    until(lambda: snapshot.get() is not None)
    source.time += 61
    with source.held():
        shown = snapshot.get()

    assert shown is None


def test_an_error_leaves_no_request_waiting() -> None:
    def fail() -> int:
        raise ZeroDivisionError

    assert Snapshot(fail, PACE).get() is None
