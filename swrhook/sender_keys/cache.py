"""A bounded TTL cache with negative caching and a limit on failed fetches."""

from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Generic, TypeVar

from swrhook.errors import FetchFailed, KeysUnavailable
from swrhook.wording.message import say

T = TypeVar("T")
_Stored = TypeVar("_Stored")

_MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class CacheLimits:
    """The limits of a cache; times are in seconds.

    `failure_ttl` is how long a failed fetch is not repeated, `fetch_wait` how long a thread waits
    for another thread's fetch to end, and `max_entries` bounds the values and the failures.
    `failures_per_minute` bounds the failed fetches of a budget, since unauthenticated requests
    choose the keys.
    """

    failure_ttl: float = 30.0
    fetch_wait: float = 5.0
    max_entries: int = 100
    failures_per_minute: int = 10


class _Budget:
    """The fetches that requests of one origin may cause: one at a time, few that fail."""

    def __init__(self) -> None:
        self.lock = Lock()
        self._guard = Lock()
        self._times: deque[float] = deque()

    def take(self, now: float, limit: int) -> bool:
        """Count a fetch, which fails until `give_back` says otherwise; False at the limit."""
        with self._guard:
            while self._times and now - self._times[0] >= _MINUTE:
                self._times.popleft()
            if len(self._times) >= limit:
                return False
            self._times.append(now)
            return True

    def give_back(self) -> None:
        """Uncount a fetch."""
        with self._guard:
            if self._times:
                self._times.pop()


@dataclass(slots=True, eq=False)
class BoundedTtlCache(Generic[T]):
    """Caches values by key and fetches missing ones; safe to share by threads.

    `fetch` returns the value of a key or raises FetchFailed; `clock` counts seconds. `recall`
    returns a value that an earlier process fetched, or None.
    """

    fetch: Callable[[str], T]
    clock: Callable[[], float]
    limits: CacheLimits = CacheLimits()
    recall: Callable[[str], T | None] = lambda _key: None
    _values: dict[str, tuple[T, float]] = field(default_factory=dict, init=False)
    _failures: dict[str, tuple[str, float]] = field(default_factory=dict, init=False)
    _budgets: dict[str, _Budget] = field(default_factory=lambda: defaultdict(_Budget), init=False)
    _store_lock: Lock = field(default_factory=Lock, init=False)

    def get(self, key: str, max_age: float, budget: str) -> T:
        """Return a value that is at most `max_age` seconds old. Raises KeysUnavailable.

        Fetches for different budgets do not wait for each other, and are counted separately.
        """
        value = self._look_up(key, max_age)
        if value is not None:
            return value
        # A key that has a value exists, so renewing it costs nothing.
        if key in self._values:
            with self._turn(self._budgets[budget]):
                value = self._look_up(key, max_age)
                return self._fetch_and_store(key) if value is None else value
        if (recalled := self.recall(key)) is not None:
            self._store(self._values, key, recalled)
            return recalled
        return self._fetch_new(key, max_age, self._budgets[budget])

    def _fetch_new(self, key: str, max_age: float, budget: _Budget) -> T:
        # Counted before the wait for the lock, so that the waiting threads are limited as well.
        if not budget.take(self.clock(), self.limits.failures_per_minute):
            raise KeysUnavailable(say("too many unknown keys were requested within a minute"))
        has_failed = False
        try:
            with self._turn(budget):
                # The thread that held the lock before may have fetched the same key.
                value = self._look_up(key, max_age)
                if value is None:
                    has_failed = True
                    value = self._fetch_and_store(key)
                    has_failed = False
                return value
        finally:
            if not has_failed:
                budget.give_back()

    @contextmanager
    def _turn(self, budget: _Budget) -> Iterator[None]:
        """Wait for the other fetches of a budget. Raises KeysUnavailable when it takes too long."""
        if not budget.lock.acquire(timeout=self.limits.fetch_wait):
            raise KeysUnavailable(say("too many requests wait for keys to be fetched"))
        try:
            yield
        finally:
            budget.lock.release()

    def _look_up(self, key: str, max_age: float) -> T | None:
        """Return a value that is young enough, or None. Raises KeysUnavailable after a failure."""
        now = self.clock()
        value = self._values.get(key)
        if value is not None and now - value[1] < max_age:
            return value[0]
        failure = self._failures.get(key)
        if failure is not None and now - failure[1] < self.limits.failure_ttl:
            raise KeysUnavailable(failure[0])
        return None

    def _fetch_and_store(self, key: str) -> T:
        try:
            value = self.fetch(key)
        except FetchFailed as exc:
            self._store(self._failures, key, exc.text)
            raise KeysUnavailable(exc.text) from exc
        self._failures.pop(key, None)
        self._store(self._values, key, value)
        return value

    def _store(self, entries: dict[str, tuple[_Stored, float]], key: str, value: _Stored) -> None:
        with self._store_lock:
            # Removed first, so that the dict is ordered by age and its first entry is the oldest.
            entries.pop(key, None)
            entries[key] = value, self.clock()
            if len(entries) > self.limits.max_entries:
                del entries[next(iter(entries))]
