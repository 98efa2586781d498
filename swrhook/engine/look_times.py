"""When to look for a lane, and which of the idle threads does it: one at a time."""

import math
import threading
import time
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a look has shown: when to look again, None if something else will tell.

    `is_blocked` tells that lanes are ready for which a run has to end first.
    """

    look_in: timedelta | None = None
    is_blocked: bool = False


class LookTimes:
    """Makes idle threads wait until one of them is to look; thread-safe."""

    def __init__(self, poll: float) -> None:
        """Look at least every `poll` seconds, in case a signal was missed."""
        self._poll = poll
        self._changed = threading.Condition()  # guards the attributes below
        self._look_at = 0.0  # by the monotonic clock
        self._awaited_look_at = math.inf  # the time that some thread waits for
        self._is_looking = False
        self._is_blocked = False
        self._has_run_ended = False  # since the last look began
        self._is_stopped = False

    def wait(self) -> bool:
        """Wait until this thread is the one to look, and begin; False after `stop`.

        Call `end` after the look.
        """
        with self._changed:
            while not self._is_stopped:
                wait = self._look_at - time.monotonic()
                if not self._is_looking and wait <= 0:
                    self._is_looking, self._has_run_ended = True, False
                    self._look_at = time.monotonic() + self._poll
                    return True
                self._wait_until_look(wait)
            return False

    def end(self, outlook: Outlook) -> None:
        """End a look."""
        with self._changed:
            self._is_looking = False
            self._is_blocked = outlook.is_blocked
            if outlook.is_blocked and self._has_run_ended:
                self._look_at = 0.0
            if outlook.look_in is not None:
                self._look_within(outlook.look_in.total_seconds())
            self._changed.notify()

    def look_now(self) -> None:
        """Let a thread look now: lanes may have become ready."""
        with self._changed:
            self._look_at = 0.0
            self._changed.notify()

    def end_run(self, due_in: timedelta | None) -> None:
        """Note that a run has ended, and when its lane is due again.

        Its thread looks at once if a lane waits for the room that is free now.
        """
        with self._changed:
            self._has_run_ended = True
            if self._is_blocked:
                self._look_at = 0.0
            elif due_in is not None:
                self._look_within(due_in.total_seconds())

    def stop(self) -> None:
        """Let no thread wait or look any more."""
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()

    def _look_within(self, seconds: float) -> None:
        self._look_at = min(self._look_at, time.monotonic() + max(seconds, 0.0))

    def _wait_until_look(self, wait: float) -> None:
        """Wait for a notification. One thread also waits for the next time to look."""
        look_at = self._look_at
        if self._is_looking or look_at >= self._awaited_look_at:
            self._changed.wait()
            return
        self._awaited_look_at = look_at
        self._changed.wait(wait)
        if self._awaited_look_at == look_at:
            self._awaited_look_at = math.inf
