"""A background thread that repeats its work until it is stopped."""

import threading
from collections.abc import Callable
from time import monotonic

from swrhook import logs

# Seconds after which work is done although it does not seem to be due: some of it depends on the
# time alone.
_LONGEST_IDLE = 30.0


def always() -> bool:
    """Return that work is due at each interval."""
    return True


class PeriodicThread:
    """Calls `work` every `interval` seconds, for the first time at once or after an interval.

    If `is_due` returns False, the call is left out, but not for longer than half a minute.

    If `work` returns True, it has more to do and is called again at once. If it raises, the error
    is logged as `<name>.failed`, but only once while the same type of error repeats; `on_error` is
    called each time, and the thread continues.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], object],
        interval: float,
        *,
        at_once: bool = True,
        is_due: Callable[[], bool] = always,
        on_error: Callable[[], None] = lambda: None,
    ) -> None:
        self.stopping = threading.Event()
        self._name = name
        self._work = work
        self._interval = interval
        self._at_once = at_once
        self._is_due = is_due
        self._worked_at: float | None = None
        self._on_error = on_error
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def is_alive(self) -> bool:
        """Tell whether the thread is running."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout: float | None = None) -> None:
        """Stop after the work in progress, and wait for that, at most `timeout` seconds."""
        self.stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self) -> None:
        last_error: type[Exception] | None = None
        if not self._at_once:
            self.stopping.wait(self._interval)
        while not self.stopping.is_set():
            try:
                is_busy = self._is_work_due() and self._work()
                last_error = None
            except Exception as exc:  # noqa: BLE001  # the thread must survive every error
                if type(exc) is not last_error:
                    logs.failure(f"{self._name}.failed", exc)
                last_error = type(exc)
                self._on_error()
                is_busy = False
            if is_busy is not True:
                self.stopping.wait(self._interval)

    def _is_work_due(self) -> bool:
        now = monotonic()
        is_overdue = self._worked_at is None or now - self._worked_at >= _LONGEST_IDLE
        if not is_overdue and not self._is_due():
            return False
        self._worked_at = now
        return True
