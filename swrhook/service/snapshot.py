"""A value that may be slow to read: it is read in a thread, and shown with its age."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from swrhook import logs

T = TypeVar("T")
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a value is read, and how long a request waits for that; in seconds.

    `interval`: a value is current for at least so long. `share`: of all time, at most so much is
    spent on reading, so that a value that is slow to read is read more rarely. `grace`: a request
    waits so long for a newer value, `patience`: for the first one. `lifetime`: an older value is
    not shown, unless the pauses between two readings are longer.
    """

    interval: float = 1.0
    share: float = 0.05
    grace: float = 0.2
    patience: float = 10.0
    lifetime: float = 60.0


@dataclass(frozen=True, slots=True)
class Aged(Generic[T]):
    """A value, and how many seconds ago the reading of it began."""

    value: T
    age: float


class Snapshot(Generic[T]):
    """The last value that `read` returned.

    It is read when somebody asks and the last one is not current, by one thread at a time. `read`
    returns None when there is no value, such as while the ledger is away.
    """

    def __init__(
        self,
        read: Callable[[], T | None],
        pace: Pace,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._pace = pace
        self._monotonic = monotonic
        self._changed = threading.Condition()  # guards the attributes below
        self._value: T | None = None
        self._read_at = 0.0
        self._pause = 0.0  # after the last reading
        self._next_at: float | None = None  # None: nothing was read yet
        self._reading_since: float | None = None

    def get(self) -> Aged[T] | None:
        """Return the last value, or the next one if it comes soon; None if there is none."""
        with self._changed:
            now = self._monotonic()
            is_due = self._next_at is None or now >= self._next_at
            if is_due and self._reading_since is None:
                self._reading_since = now
                threading.Thread(target=self._renew, name="snapshot", daemon=True).start()
            if (since := self._reading_since) is not None:
                pace = self._pace
                limit = pace.patience if self._current(now) is None else pace.grace
                self._changed.wait_for(lambda: self._reading_since != since, since + limit - now)
            return self._current(self._monotonic())

    def _current(self, now: float) -> Aged[T] | None:
        age = now - self._read_at
        if self._value is None or age > max(self._pace.lifetime, 2 * self._pause):
            return None
        return Aged(self._value, age)

    def _renew(self) -> None:
        began = self._monotonic()
        try:
            value = self._read()
        except Exception as exc:  # noqa: BLE001  # whoever asks must not wait in vain
            logs.failure("snapshot.failed", exc)
            value = None
        with self._changed:
            ended = self._monotonic()
            seconds = ended - began
            # A reading that failed after a long wait did no work: it is repeated soon.
            rest = 0.0 if value is None else seconds / self._pace.share - seconds
            self._pause = max(self._pace.interval, rest)
            self._value, self._read_at, self._next_at = value, began, ended + self._pause
            self._reading_since = None
            self._changed.notify_all()


class Snapshots(Generic[Key, T]):
    """Snapshots by key, the `most` that were asked for last; one of them is read at a time."""

    def __init__(self, read: Callable[[Key], T | None], pace: Pace, most: int) -> None:
        self._read = read
        self._pace = pace
        self._most = most
        self._lock = threading.Lock()  # guards the attribute below
        self._by_key: OrderedDict[Key, Snapshot[T]] = OrderedDict()
        self._turn = threading.Lock()  # reading may take all of a core

    def get(self, key: Key) -> T | None:
        """Return the value of a key; None when it cannot be read."""
        with self._lock:
            if key not in self._by_key:
                self._by_key[key] = Snapshot(lambda: self._read_in_turn(key), self._pace)
            self._by_key.move_to_end(key)
            if len(self._by_key) > self._most:
                self._by_key.popitem(last=False)
            snapshot = self._by_key[key]
        latest = snapshot.get()
        return None if latest is None else latest.value

    def _read_in_turn(self, key: Key) -> T | None:
        with self._turn:
            return self._read(key)
