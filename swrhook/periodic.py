"""A background thread that does the same thing again and again until it is stopped."""

import threading
from collections.abc import Callable

from swrhook import logs


class PeriodicThread:
    """Calls `work` every `interval` seconds, whatever it raises; the first time `at_once` or not.

    An error is logged as `<name>.failed`; while the same kind of error repeats, once. `on_error` is
    called for each.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], object],
        interval: float,
        *,
        at_once: bool = True,
        on_error: Callable[[], None] = lambda: None,
    ) -> None:
        self.stopping = threading.Event()
        self._name = name
        self._work = work
        self._interval = interval
        self._at_once = at_once
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
        """End the thread after the work in progress; wait for that, at most `timeout` seconds."""
        self.stopping.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self) -> None:
        last_error: type[Exception] | None = None
        if not self._at_once:
            self.stopping.wait(self._interval)
        while not self.stopping.is_set():
            try:
                is_busy = self._work()
                last_error = None
            except Exception as exc:  # noqa: BLE001  # the thread must survive every error
                if type(exc) is not last_error:
                    logs.failure(f"{self._name}.failed", exc)
                last_error = type(exc)
                self._on_error()
                is_busy = False
            # Work that returned True has more to do and is called again at once.
            if is_busy is not True:
                self.stopping.wait(self._interval)
