"""A periodic thread repeats its work, survives its errors, and stops when it is told to."""

import threading
from collections.abc import Callable
from time import monotonic

import pytest

from swrhook import logs, periodic
from swrhook.periodic import PeriodicThread
from tests.json_lines import json_lines

TIMEOUT = 20.0
LONG = 3600.0


class Work:
    """Work that counts its calls, and for each returns or raises the next of `results`."""

    def __init__(self, *results: object) -> None:
        self.calls = 0
        self._results = list(results)
        self._changed = threading.Condition()

    def __call__(self) -> object:
        with self._changed:
            self.calls += 1
            self._changed.notify_all()
        result = self._results.pop(0) if self._results else None
        if isinstance(result, Exception):
            raise result
        return result

    def wait_for_calls(self, count: int) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self.calls >= count, TIMEOUT)


def run_until(work: Work, count: int, on_error: Callable[[], None] = lambda: None) -> None:
    thread = PeriodicThread("test", work, 0.001, on_error=on_error)
    thread.start()
    is_done = work.wait_for_calls(count)
    thread.stop()
    assert is_done


def logged_errors(capsys: pytest.CaptureFixture[str]) -> list[str]:
    lines = json_lines(capsys.readouterr().out)
    return [line["event"] for line in lines if line["level"] == "error"]


@pytest.fixture(autouse=True)
def _json_logs() -> None:
    logs.configure("json", "INFO")


def test_the_work_is_repeated_after_each_interval() -> None:
    run_until(Work(), 3)


def test_the_work_is_called_at_once_by_default() -> None:
    work = Work()
    thread = PeriodicThread("test", work, LONG)
    thread.start()

    assert work.wait_for_calls(1)
    thread.stop()
    assert work.calls == 1


def test_the_first_call_can_wait_for_an_interval() -> None:
    work = Work()
    thread = PeriodicThread("test", work, LONG, at_once=False)
    thread.start()
    thread.stop()

    assert work.calls == 0


def test_work_that_has_more_to_do_is_called_again_without_a_pause() -> None:
    work = Work(True, True)  # noqa: FBT003  # the results of two calls
    thread = PeriodicThread("test", work, LONG)
    thread.start()

    assert work.wait_for_calls(3)
    thread.stop()
    assert work.calls == 3


def test_the_thread_continues_after_an_error_and_reports_each(
    capsys: pytest.CaptureFixture[str],
) -> None:
    errors: list[None] = []
    run_until(Work(OSError(), OSError()), 3, lambda: errors.append(None))

    assert len(errors) == 2
    assert logged_errors(capsys) == ["test.failed"]


@pytest.mark.parametrize(
    "results",
    [
        pytest.param([OSError(), ValueError()], id="another error"),
        pytest.param([OSError(), None, OSError()], id="a success in between"),
    ],
)
def test_an_error_is_logged_again_unless_it_only_repeats(
    capsys: pytest.CaptureFixture[str], results: list[object]
) -> None:
    run_until(Work(*results), len(results) + 1)

    assert logged_errors(capsys) == ["test.failed"] * 2


def test_a_stop_ends_the_wait_between_two_calls() -> None:
    work = Work()
    thread = PeriodicThread("test", work, LONG)
    thread.start()
    work.wait_for_calls(1)

    began = monotonic()
    thread.stop()

    assert monotonic() - began < TIMEOUT
    assert thread.stopping.is_set()


def test_a_stop_waits_for_work_in_progress_no_longer_than_its_timeout() -> None:
    released = threading.Event()
    work = Work()

    def hang() -> None:
        work()
        released.wait(TIMEOUT)

    thread = PeriodicThread("test", hang, LONG)
    thread.start()
    work.wait_for_calls(1)

    began = monotonic()
    thread.stop(timeout=0.01)

    assert monotonic() - began < TIMEOUT / 2
    released.set()


def test_a_thread_that_was_not_started_can_be_stopped() -> None:
    PeriodicThread("test", Work(), LONG).stop()


def test_work_that_is_not_due_is_left_out() -> None:
    work, asked = Work(), Work()

    def is_due() -> bool:
        asked()
        return asked.calls > 3

    thread = PeriodicThread("test", work, 0.001, is_due=is_due)
    thread.start()
    is_done = work.wait_for_calls(3)
    thread.stop()

    assert is_done
    # The first time without asking, and the second time after three refusals.
    assert asked.calls - work.calls == 2


def test_work_that_is_never_due_is_done_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(periodic, "_LONGEST_IDLE", 0.01)
    work = Work()
    thread = PeriodicThread("test", work, 0.001, is_due=lambda: False)
    thread.start()
    is_done = work.wait_for_calls(3)
    thread.stop()

    assert is_done
