"""A value that can be replaced while it is in use; the old one is closed after its last use."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

Value = TypeVar("Value")


@dataclass(slots=True, eq=False)
class _Leased(Generic[Value]):
    value: Value
    leases: int = 0


class HotSwap(Generic[Value]):
    """One value, shared by all threads. `close` is called once with every replaced value."""

    def __init__(self, value: Value, close: Callable[[Value], None]) -> None:
        self._current = _Leased(value)
        self._close = close
        self._lock = Lock()

    @property
    def value(self) -> Value:
        """Return the current value without a lease: it may be closed while it is used."""
        return self._current.value

    @contextmanager
    def lease(self) -> Iterator[Value]:
        """Yield the current value. It is not closed before the block ends."""
        with self._lock:
            leased = self._current
            leased.leases += 1
        try:
            yield leased.value
        finally:
            with self._lock:
                leased.leases -= 1
                is_unused = leased is not self._current and not leased.leases
            if is_unused:
                self._close(leased.value)

    def swap(self, value: Value) -> None:
        """Replace the value: leases from now on get the new one."""
        with self._lock:
            before, self._current = self._current, _Leased(value)
            is_unused = not before.leases
        if is_unused:
            self._close(before.value)
