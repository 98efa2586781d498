"""Bounds how many requests compute at the same time, so that they do not delay the others."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Semaphore

from swrhook.errors import RateLimited


class Turns:
    """Lets one request of this process compute at a time.

    A few others wait for a moment. The rest, and those that have waited in vain, get 429.
    """

    def __init__(self, name: str, *, wait: float, waiting: int) -> None:
        """`name` completes "another … is running"; at most `waiting` wait for `wait` seconds."""
        self._name = name
        self._wait = wait
        self._places = BoundedSemaphore(1 + waiting)
        self._running = Semaphore(1)

    @contextmanager
    def take(self) -> Iterator[None]:
        """Hold the turn during a block. Raises RateLimited."""
        if not self._places.acquire(blocking=False):
            raise self._refusal()
        try:
            if not self._running.acquire(timeout=self._wait):
                raise self._refusal()
            try:
                yield
            finally:
                self._running.release()
        finally:
            self._places.release()

    def _refusal(self) -> RateLimited:
        return RateLimited(f"another {self._name} is running: try again in a moment", 2)
