"""What is issued for a time: fetched once, kept, and replaced ahead of its end."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Generic, TypeVar

from swrhook.clock import Clock
from swrhook.errors import Kind, SwrError

# Replaced while 5 % of its life is left (72 minutes of a day), two minutes at the least: enough
# for the longest call, and for an outage of IAM to pass unnoticed. Never before half its life.
_LEFT_OF_LIFE = 0.05
_LEAST_LEFT = timedelta(minutes=2)
_MOST_LEFT_OF_LIFE = 0.5

# For how long the issuer is left alone after a failure: everyone who waited shares the failure.
_QUIET = {Kind.TRANSIENT: timedelta(seconds=1), Kind.THROTTLED: timedelta(seconds=5)}
_LONGEST_QUIET = timedelta(minutes=1)
# While the old value still serves, trying to replace it is no hurry.
_QUIET_WHILE_USABLE = timedelta(seconds=30)
# A replacement that is refused so soon shows that none will do.
_TRIAL = timedelta(minutes=1)
_EVERY_NAME = ""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class IssuedCredential(Generic[T]):
    """Something as it was issued. Its life is a span, so that clocks need not agree."""

    value: T = field(repr=False)
    life: timedelta


@dataclass(frozen=True, slots=True)
class _Held(Generic[T]):
    """A value, and when by our clock it came, is to be replaced, and ends."""

    value: T = field(repr=False)
    since: datetime
    renew_at: datetime
    ends_at: datetime
    replaces_refused: bool


@dataclass(frozen=True, slots=True)
class _Failure:
    """What the issuer answered last, and the span in which it is not asked again."""

    error: SwrError
    since: datetime
    until: datetime


class CredentialCache(Generic[T]):
    """Values of one issuer, each under a name; safe to use by many threads.

    One fetch at a time, whatever the name: threads that need a value wait for the one that
    fetches it, and a wrong credential is tried once, not once for each region. While a value
    still serves, nobody waits for its replacement.
    """

    def __init__(self, fetch: Callable[[str], IssuedCredential[T]], clock: Clock) -> None:
        """Take what fetches a value by its name, or raises SwrError."""
        self._fetch = fetch
        self._clock = clock
        self._lock = Lock()
        self._held: dict[str, _Held[T]] = {}
        self._failures: dict[str, _Failure] = {}

    def get(self, name: str) -> T:
        """Return the value of a name. Raises SwrError."""
        held = self._held.get(name)
        now = self._clock.now()
        if held is not None and now < held.renew_at:
            return held.value
        if held is not None and now < held.ends_at:
            return self._renewed_early(name, held)
        with self._lock:
            now = self._clock.now()
            held = self._held.get(name)
            if held is not None and now < held.ends_at:
                return held.value  # another thread has fetched it
            return self._fetched(name, now)

    def renew(self, name: str, refused: T) -> T | None:
        """Return another value than the one that was refused; None when none would help."""
        with self._lock:
            now = self._clock.now()
            held = self._held.get(name)
            if held is None or held.value != refused:
                return held.value if held else self._fetched(name, now)
            if held.replaces_refused and timedelta() <= now - held.since < _TRIAL:
                return None
            del self._held[name]
            return self._fetched(name, now, replaces_refused=True)

    def _renewed_early(self, name: str, held: _Held[T]) -> T:
        """Return a new value, or the old one while somebody fetches or the issuer is unwell."""
        if not self._lock.acquire(blocking=False):
            return held.value
        try:
            if self._held.get(name) is held:
                return self._fetched(name, self._clock.now())
        except SwrError:
            pass  # kept quiet about for a while, and raised when the old value has ended
        finally:
            self._lock.release()
        return held.value

    def _fetched(self, name: str, now: datetime, *, replaces_refused: bool = False) -> T:
        """Fetch and keep a value; the lock is held. Raises SwrError."""
        self._raise_if_quiet(name, now)
        try:
            issued = self._fetch(name)
        except SwrError as error:
            self._keep_quiet(name, error)
            raise
        now = self._clock.now()
        self._failures.clear()
        self._held[name] = _Held(
            issued.value,
            since=now,
            renew_at=now + issued.life - _left_at_renewal(issued.life),
            ends_at=now + issued.life,
            replaces_refused=replaces_refused,
        )
        return issued.value

    def _raise_if_quiet(self, name: str, now: datetime) -> None:
        for key in (name, _EVERY_NAME):
            failure = self._failures.get(key)
            # A clock that was set back must not keep us quiet.
            if failure is not None and failure.since <= now < failure.until:
                raise _again(failure.error)

    def _keep_quiet(self, name: str, error: SwrError) -> None:
        """Leave the issuer alone for a while: for this name, or for all when it is unwell."""
        now = self._clock.now()
        held = self._held.get(name)
        span = _QUIET.get(error.kind, _LONGEST_QUIET)
        if held is not None and now < held.ends_at:
            span = _QUIET_WHILE_USABLE
        if error.retry_after is not None:
            span = min(timedelta(seconds=error.retry_after), _LONGEST_QUIET)
        key = _EVERY_NAME if error.kind in _QUIET else name
        self._failures[key] = _Failure(error, now, now + span)


def _left_at_renewal(life: timedelta) -> timedelta:
    return min(max(life * _LEFT_OF_LIFE, _LEAST_LEFT), life * _MOST_LEFT_OF_LIFE)


def _again(error: SwrError) -> SwrError:
    """Return the same error anew: one that several threads raise would mix their tracebacks."""
    return SwrError(
        error.kind,
        error.code,
        error.message,
        remedy=error.remedy,
        retry_after=error.retry_after,
    )
