"""What a process works with now, and may replace as a whole while others work with it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

Value = TypeVar("Value")


@dataclass(slots=True, eq=False)
class _InUse(Generic[Value]):
    value: Value
    holders: int = 0
    is_replaced: bool = False


class HotSwap(Generic[Value]):
    """One value for everybody. One that was replaced ends when its last holder lets go of it."""

    def __init__(self, value: Value, end: Callable[[Value], None]) -> None:
        """Begin with this value; `end` is called once with each that was replaced."""
        self._in_use = _InUse(value)
        self._end = end
        self._lock = Lock()

    @property
    def value(self) -> Value:
        """Return the value as it is now, for whoever reads it once."""
        return self._in_use.value

    @contextmanager
    def lease(self) -> Iterator[Value]:
        """Yield the value, which does not end before the block does."""
        with self._lock:
            held = self._in_use
            held.holders += 1
        try:
            yield held.value
        finally:
            with self._lock:
                held.holders -= 1
                is_over = held.is_replaced and not held.holders
            if is_over:
                self._end(held.value)

    def swap(self, value: Value) -> None:
        """Let everybody who comes from now on have this value."""
        with self._lock:
            before, self._in_use = self._in_use, _InUse(value)
            before.is_replaced = True
            is_over = not before.holders
        if is_over:
            self._end(before.value)
