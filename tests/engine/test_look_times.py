"""When threads look for a lane: one at a time, at the right time, and after every signal."""

import threading
import time
from datetime import timedelta
from typing import Self

import pytest

from swrhook.engine.look_times import LookTimes, Outlook
from tests.waiting import eventually

PATIENCE = 20.0
NEVER = 3600.0
SOON = timedelta(seconds=0.1)


def do_nothing() -> None:
    pass


class Lookers:
    """Threads that look as the engine's do; a test decides what each look shows."""

    def __init__(self, threads: int, poll: float = NEVER) -> None:
        self.times = LookTimes(poll)
        self.looks = 0
        self.looking = 0
        self.most = 0  # at a time
        self.looked_at = 0.0
        self.outlooks: list[Outlook] = []  # of the next looks; then there is nothing to do
        self.before_end = do_nothing
        self._changed = threading.Condition()
        self._threads = [threading.Thread(target=self._look) for _ in range(threads)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.times.stop()
        for thread in self._threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()

    def _look(self) -> None:
        while self.times.wait():
            with self._changed:
                self.looks += 1
                self.looking += 1
                self.most = max(self.most, self.looking)
                self.looked_at = time.monotonic()
                outlook = self.outlooks.pop(0) if self.outlooks else Outlook()
            self.before_end()
            with self._changed:
                self.looking -= 1
            self.times.end(outlook)
            with self._changed:
                self._changed.notify_all()

    def end_run(self, due_in: timedelta | None) -> None:
        """End a run in a thread that looks afterwards, as the engine's threads do."""

        def end() -> None:
            self.times.end_run(due_in)
            self._look()

        self._threads.append(threading.Thread(target=end))
        self._threads[-1].start()

    def have_looked(self, times: int) -> bool:
        """Wait until so many looks have ended."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self.looks >= times and not self.looking, PATIENCE
            )


def assert_quiet(running: Lookers) -> None:
    """Give what must not happen the time to happen."""
    before = running.looks
    time.sleep(0.2)
    assert running.looks == before


def test_threads_look_at_the_start_and_then_wait() -> None:
    with Lookers(3) as running:
        assert running.have_looked(1)
        assert_quiet(running)


def test_a_signal_makes_one_thread_look() -> None:
    with Lookers(3) as running:
        assert running.have_looked(1)
        running.times.look_now()
        assert running.have_looked(2)
        assert_quiet(running)

        assert running.looks == 2


def test_one_thread_at_a_time_looks() -> None:
    with Lookers(4) as running:
        assert running.have_looked(1)
        running.before_end = lambda: time.sleep(0.01)
        for looks in range(2, 6):
            for _ in range(5):
                running.times.look_now()
                time.sleep(0.005)
            assert running.have_looked(looks)

    assert running.most == 1


def test_a_look_that_found_more_is_followed_by_another_at_once() -> None:
    with Lookers(3) as running:
        assert running.have_looked(1)
        running.outlooks += [Outlook(timedelta())] * 10
        running.times.look_now()

        assert running.have_looked(12)
        assert_quiet(running)


@pytest.mark.parametrize("threads", [1, 3])
def test_a_thread_looks_again_when_the_outlook_says_so_and_not_before(threads: int) -> None:
    with Lookers(threads) as running:
        assert running.have_looked(1)
        running.outlooks.append(Outlook(SOON))
        running.times.look_now()
        assert running.have_looked(2)
        first = running.looked_at

        assert running.have_looked(3)
        assert running.looked_at - first >= SOON.total_seconds()
        assert_quiet(running)


def test_the_sooner_of_two_times_counts() -> None:
    with Lookers(3) as running:
        assert running.have_looked(1)
        running.outlooks += [Outlook(timedelta(seconds=NEVER)), Outlook(SOON)]
        for looks in (2, 3):
            running.times.look_now()
            assert running.have_looked(looks)

        assert running.have_looked(4)
        assert_quiet(running)


def test_a_poll_looks_without_a_signal() -> None:
    with Lookers(2, poll=0.05) as running:
        assert running.have_looked(5)


def test_a_signal_during_a_look_is_followed_by_another_look() -> None:
    looking, proceed = threading.Event(), threading.Event()

    def hang() -> None:
        looking.set()
        assert proceed.wait(PATIENCE)

    with Lookers(3) as running:
        assert running.have_looked(1)
        running.before_end = hang
        running.times.look_now()
        assert looking.wait(PATIENCE)
        running.times.look_now()
        proceed.set()

        assert running.have_looked(3)


# The ends of runs


def test_a_run_that_ends_looks_if_lanes_wait_for_its_room() -> None:
    with Lookers(2) as running:
        assert running.have_looked(1)
        running.outlooks.append(Outlook(is_blocked=True))
        running.times.look_now()
        assert running.have_looked(2)

        running.end_run(None)
        assert running.have_looked(3)
        assert_quiet(running)
        running.end_run(None)  # nothing waits any more
        assert_quiet(running)


def test_a_run_that_ends_during_the_look_that_it_blocks_is_not_missed() -> None:
    with Lookers(2) as running:
        assert running.have_looked(1)
        running.outlooks.append(Outlook(is_blocked=True))
        running.before_end = lambda: running.times.end_run(None)
        running.times.look_now()

        assert running.have_looked(3)


def test_a_lane_that_is_due_again_is_looked_for_then() -> None:
    with Lookers(2) as running:
        assert running.have_looked(1)
        ended_at = time.monotonic()
        running.end_run(SOON)

        assert running.have_looked(2)
        assert running.looked_at - ended_at >= SOON.total_seconds()
        running.end_run(-SOON)  # it was due before the run ended
        assert running.have_looked(3)


# All together


def test_no_signal_is_lost_whatever_the_threads_do() -> None:
    sent, seen = 0, 0

    def read() -> None:
        nonlocal seen
        seen = sent

    with Lookers(4) as running:
        running.before_end = read
        for number in range(2000):
            sent += 1
            running.outlooks.append(Outlook(timedelta(seconds=number % 3 / 1000)))
            running.times.look_now()
            if number % 50 == 0:
                time.sleep(0.003)
                running.times.end_run(None)
        assert eventually(lambda: seen == sent)

    assert running.most == 1


def test_a_stop_ends_every_wait() -> None:
    with Lookers(8) as running:
        assert running.have_looked(1)

    assert running.times.wait() is False
