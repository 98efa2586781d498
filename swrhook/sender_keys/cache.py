"""What was fetched, remembered; and what could not be, so that nobody makes us try in a loop."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

from swrhook.errors import FetchFailed, KeysUnavailable

T = TypeVar("T")
_Kept = TypeVar("_Kept")


@dataclass(frozen=True, slots=True)
class CacheLimits:
    """Seconds and counts that bound what is fetched and what is kept."""

    failure_ttl: float = 30.0  # and is then tried again
    fetch_wait: float = 5.0  # the wait for another fetch to end
    max_entries: int = 100  # kept, and as many failures
    new_keys_per_minute: int = 10  # of what was never there before: those who ask may make it up


class BoundedTtlCache(Generic[T]):
    """Values by name, each fetched when it is asked for; one fetch at a time, by many threads."""

    def __init__(
        self,
        fetch: Callable[[str], T],
        clock: Callable[[], float],
        bounds: CacheLimits | None = None,
    ) -> None:
        """Take what fetches a value or raises NotFetched, and a clock in seconds."""
        self._fetch = fetch
        self._clock = clock
        self._bounds = bounds or CacheLimits()
        self._values: dict[str, tuple[T, float]] = {}
        self._failures: dict[str, tuple[str, float]] = {}
        self._tried: deque[float] = deque()
        self._turn = Lock()

    def get(self, name: str, good_for: float) -> T:
        """Return a value that is not older than `good_for` seconds. Raises KeysUnavailable."""
        found = self._known(name, good_for)
        if found is not None:
            return found
        if not self._turn.acquire(timeout=self._bounds.fetch_wait):
            raise KeysUnavailable("too many wait for keys to be fetched")
        try:
            # Whoever had the turn before may have fetched the same.
            found = self._known(name, good_for)
            return self._fetched(name) if found is None else found
        finally:
            self._turn.release()

    def _known(self, name: str, good_for: float) -> T | None:
        """Return a value that is young enough, None for none. Raises KeysUnavailable, if young."""
        now = self._clock()
        value = self._values.get(name)
        if value is not None and now - value[1] < good_for:
            return value[0]
        failure = self._failures.get(name)
        if failure is not None and now - failure[1] < self._bounds.failure_ttl:
            raise KeysUnavailable(failure[0])
        return None

    def _fetched(self, name: str) -> T:
        if name not in self._values:
            self._take_one_of_few()
        try:
            value = self._fetch(name)
        except FetchFailed as exc:
            self._keep(self._failures, name, str(exc))
            raise KeysUnavailable(str(exc)) from exc
        self._failures.pop(name, None)
        self._keep(self._values, name, value)
        return value

    def _take_one_of_few(self) -> None:
        now = self._clock()
        while self._tried and now - self._tried[0] >= 60.0:  # noqa: PLR2004  # a minute
            self._tried.popleft()
        if len(self._tried) >= self._bounds.new_keys_per_minute:
            raise KeysUnavailable("too many keys were asked for that were never there before")
        self._tried.append(now)

    def _keep(self, kept: dict[str, tuple[_Kept, float]], name: str, what: _Kept) -> None:
        kept.pop(name, None)
        kept[name] = what, self._clock()
        if len(kept) > self._bounds.max_entries:
            del kept[next(iter(kept))]
