"""A cache of tokens, keys and project ids, which renews them before they expire."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Generic, Protocol, TypeVar

from swrhook.clock import Clock
from swrhook.errors import Kind, SwrError
from swrhook.swr.response import SwrResponse

# A value is renewed when 5 % of its lifetime is left (72 minutes of a day), but two minutes at the
# least: enough for the longest call, and to bridge an outage of IAM. Never before half its life.
_RENEWAL_SHARE = 0.05
_MIN_RENEWAL_MARGIN = timedelta(minutes=2)
_MAX_RENEWAL_SHARE = 0.5

# For how long the issuer is not called after a failure; callers get the same error meanwhile.
# Failures of other kinds pause for _MAX_PAUSE.
_PAUSES = {Kind.TRANSIENT: timedelta(seconds=1), Kind.THROTTLED: timedelta(seconds=5)}
_MAX_PAUSE = timedelta(minutes=1)
# While the old value is still valid, renewing it is not urgent.
_PAUSE_WHILE_VALID = timedelta(seconds=30)
# A new value that is refused this soon shows that renewing does not help.
_TRIAL_PERIOD = timedelta(minutes=1)
_EVERY_NAME = ""

T = TypeVar("T")


class CredentialSource(Protocol[T]):
    """Supplies tokens or access keys by name: tokens by their project, keys by any name."""

    def get(self, name: str) -> T:
        """Return a credential. Raises SwrError when there is none."""

    def renew(self, name: str, refused: T, response: SwrResponse) -> T | None:
        """Return another credential than the one that the response refused, or None."""


@dataclass(frozen=True, slots=True)
class IssuedCredential(Generic[T]):
    """A value as the issuer returned it, with its lifetime.

    The lifetime is a duration rather than a time, since the issuer's clock may differ from ours.
    """

    value: T = field(repr=False)
    lifetime: timedelta


@dataclass(frozen=True, slots=True)
class _Entry(Generic[T]):
    """A cached value; the times are by our clock."""

    value: T = field(repr=False)
    stored_at: datetime
    renew_at: datetime
    expires_at: datetime
    replaces_refused: bool


@dataclass(frozen=True, slots=True)
class _Failure:
    """The issuer's latest error, and the period in which it is not called again."""

    error: SwrError
    since: datetime
    until: datetime


class CredentialCache(Generic[T]):
    """Caches one issuer's values by name; safe to share between threads.

    It fetches one value at a time, for any name: the threads that need a value share one fetch,
    and a wrong credential is tried once, not once for each region. While a value is still valid,
    no thread waits for its renewal.
    """

    def __init__(self, fetch: Callable[[str], IssuedCredential[T]], clock: Clock) -> None:
        """`fetch` gets a value by its name from the issuer, or raises SwrError."""
        self._fetch = fetch
        self._clock = clock
        self._lock = Lock()
        self._entries: dict[str, _Entry[T]] = {}
        self._failures: dict[str, _Failure] = {}

    def get(self, name: str) -> T:
        """Return a valid value. Raises SwrError."""
        # Without the lock: reading a dict is atomic, and entries are immutable.
        entry = self._entries.get(name)
        now = self._clock.now()
        if entry is not None and now < entry.renew_at:
            return entry.value
        if entry is not None and now < entry.expires_at:
            return self._renew_early(name, entry)
        with self._lock:
            # Another thread may have fetched it while this one waited for the lock.
            now = self._clock.now()
            entry = self._entries.get(name)
            if entry is not None and now < entry.expires_at:
                return entry.value
            return self._fetch_and_store(name, now)

    def renew(self, name: str, refused: T, response: SwrResponse) -> T | None:  # noqa: ARG002
        """Return another value than the refused one, or None when renewing would not help.

        Raises SwrError when no other value can be fetched.
        """
        with self._lock:
            now = self._clock.now()
            entry = self._entries.get(name)
            if entry is None:
                return self._fetch_and_store(name, now)
            # Many threads are refused at once; the first one has renewed the value already.
            if entry.value != refused:
                return entry.value
            if entry.replaces_refused and timedelta() <= now - entry.stored_at < _TRIAL_PERIOD:
                return None
            del self._entries[name]
            return self._fetch_and_store(name, now, replaces_refused=True)

    def _renew_early(self, name: str, entry: _Entry[T]) -> T:
        """Return a new value, or the old one if another thread is fetching or the fetch fails."""
        if not self._lock.acquire(blocking=False):
            return entry.value
        try:
            if self._entries.get(name) is entry:
                return self._fetch_and_store(name, self._clock.now())
        except SwrError:
            pass  # the old value is still valid; the next attempt follows after a pause
        finally:
            self._lock.release()
        return entry.value

    def _fetch_and_store(self, name: str, now: datetime, *, replaces_refused: bool = False) -> T:
        """Fetch and store a value; the caller holds the lock. Raises SwrError."""
        for key in (name, _EVERY_NAME):
            failure = self._failures.get(key)
            # The lower bound matters after the clock was set back: the pause would not end.
            if failure is not None and failure.since <= now < failure.until:
                # A copy: raising one exception in several threads would mix their tracebacks.
                raise replace(failure.error)
        try:
            issued = self._fetch(name)
        except SwrError as error:
            self._pause(name, error)
            raise
        now = self._clock.now()
        self._failures.clear()
        expires_at = now + issued.lifetime
        margin = max(issued.lifetime * _RENEWAL_SHARE, _MIN_RENEWAL_MARGIN)
        renew_at = expires_at - min(margin, issued.lifetime * _MAX_RENEWAL_SHARE)
        self._entries[name] = _Entry(issued.value, now, renew_at, expires_at, replaces_refused)
        return issued.value

    def _pause(self, name: str, error: SwrError) -> None:
        """Do not call the issuer for a while: for this name, or for every name in an outage."""
        now = self._clock.now()
        entry = self._entries.get(name)
        pause = _PAUSES.get(error.kind, _MAX_PAUSE)
        if entry is not None and now < entry.expires_at:
            pause = _PAUSE_WHILE_VALID
        if error.retry_after is not None:
            pause = min(timedelta(seconds=error.retry_after), _MAX_PAUSE)
        key = _EVERY_NAME if error.kind in _PAUSES else name
        self._failures[key] = _Failure(error, now, now + pause)


def lifetime_until(
    expires_at: datetime | None, issued_at: datetime, default: timedelta
) -> timedelta:
    """Return the lifetime of a credential, or the default if its expiry is missing or past."""
    if expires_at is None or expires_at <= issued_at:
        return default
    return expires_at - issued_at
