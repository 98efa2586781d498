"""A bounded TTL cache with negative caching and a rate limit on new keys."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Generic, TypeVar

from swrhook.errors import FetchFailed, KeysUnavailable

T = TypeVar("T")
_Stored = TypeVar("_Stored")

_MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class CacheLimits:
    """The limits of a cache; times are in seconds.

    `failure_ttl` is how long a failed fetch is not repeated, `fetch_wait` how long a thread waits
    for another thread's fetch to end, and `max_entries` bounds the values and the failures.
    `new_keys_per_minute` bounds the fetches of keys that have no value yet, since unauthenticated
    requests choose them.
    """

    failure_ttl: float = 30.0
    fetch_wait: float = 5.0
    max_entries: int = 100
    new_keys_per_minute: int = 10


@dataclass(slots=True, eq=False)
class BoundedTtlCache(Generic[T]):
    """Caches values by key and fetches missing ones, one at a time; safe to share by threads.

    `fetch` returns the value of a key or raises FetchFailed; `clock` counts seconds.
    """

    fetch: Callable[[str], T]
    clock: Callable[[], float]
    limits: CacheLimits = CacheLimits()
    _values: dict[str, tuple[T, float]] = field(default_factory=dict, init=False)
    _failures: dict[str, tuple[str, float]] = field(default_factory=dict, init=False)
    _new_key_times: deque[float] = field(default_factory=deque, init=False)
    _fetch_lock: Lock = field(default_factory=Lock, init=False)

    def get(self, key: str, max_age: float) -> T:
        """Return a value that is at most `max_age` seconds old. Raises KeysUnavailable."""
        value = self._look_up(key, max_age)
        if value is not None:
            return value
        if not self._fetch_lock.acquire(timeout=self.limits.fetch_wait):
            raise KeysUnavailable("too many requests wait for keys to be fetched")
        try:
            # The thread that held the lock before may have fetched the same key.
            value = self._look_up(key, max_age)
            return self._fetch_and_store(key) if value is None else value
        finally:
            self._fetch_lock.release()

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
        # A key that has a value exists, so renewing it costs nothing from the limit.
        if key not in self._values:
            self._limit_new_keys()
        try:
            value = self.fetch(key)
        except FetchFailed as exc:
            self._store(self._failures, key, str(exc))
            raise KeysUnavailable(str(exc)) from exc
        self._failures.pop(key, None)
        self._store(self._values, key, value)
        return value

    def _limit_new_keys(self) -> None:
        """Count the fetch of a new key. Raises KeysUnavailable when the limit is reached."""
        now = self.clock()
        while self._new_key_times and now - self._new_key_times[0] >= _MINUTE:
            self._new_key_times.popleft()
        if len(self._new_key_times) >= self.limits.new_keys_per_minute:
            raise KeysUnavailable("too many unknown keys were requested within a minute")
        self._new_key_times.append(now)

    def _store(self, entries: dict[str, tuple[_Stored, float]], key: str, value: _Stored) -> None:
        # Removed first, so that the dict is ordered by age and its first entry is the oldest.
        entries.pop(key, None)
        entries[key] = value, self.clock()
        if len(entries) > self.limits.max_entries:
            del entries[next(iter(entries))]
