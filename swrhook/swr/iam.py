"""Tokens of IAM, one for each project: fetched once, kept, and replaced ahead of their end."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from swrhook.config.values import PasswordCredentials
from swrhook.errors import Kind, SwrError
from swrhook.swr import login
from swrhook.swr.credentials import RefusedCredentials, fingerprint
from swrhook.swr.login import CredentialRefused, IssuedToken
from swrhook.swr.wire import Request, Wire

# Replaced while 5 % of its life is left (72 minutes of a day), two minutes at the least: enough
# for the longest call, and for an outage of IAM to pass unnoticed. Never before half its life.
_LEFT_OF_LIFE = 0.05
_LEAST_LEFT = timedelta(minutes=2)
_MOST_LEFT_OF_LIFE = 0.5

# For how long IAM is left alone after a failure: everyone who waited shares the failure.
_QUIET = {Kind.TRANSIENT: timedelta(seconds=1), Kind.THROTTLED: timedelta(seconds=5)}
_LONGEST_QUIET = timedelta(minutes=1)
# While the old token still serves, trying to replace it is no hurry.
_QUIET_WHILE_USABLE = timedelta(seconds=30)
# A replacement that is refused so soon shows that no token will do.
_TRIAL = timedelta(minutes=1)
_EVERY_PROJECT = ""


@dataclass(frozen=True, slots=True)
class _Held:
    """A token, and when by our clock it came, is to be replaced, and ends."""

    value: str = field(repr=False)
    since: datetime
    renew_at: datetime
    ends_at: datetime
    replaces_refused: bool


@dataclass(frozen=True, slots=True)
class _Failure:
    """What IAM answered last, and the span in which it is not asked again."""

    error: SwrError
    since: datetime
    until: datetime


class IamTokens:
    """Tokens of one IAM user; safe to use by many threads.

    One login at a time, whatever the project: threads that need a token wait for the one that
    fetches it, and a wrong password is tried once, not once for each region: accounts lock after
    a few tries. While a token still serves, nobody waits for its replacement.
    """

    def __init__(
        self,
        credentials: PasswordCredentials,
        endpoint: str,
        wire: Wire,
        refused: RefusedCredentials,
        clock: Callable[[], datetime],
    ) -> None:
        self._credentials = credentials
        self._endpoint = endpoint
        self._wire = wire
        self._refused = refused
        self._clock = clock
        self._lock = Lock()
        self._held: dict[str, _Held] = {}
        self._failures: dict[str, _Failure] = {}

    def token(self, project: str) -> str:
        """Return a token for a project. Raises SwrError."""
        held = self._held.get(project)
        now = self._clock()
        if held is not None and now < held.renew_at:
            return held.value
        if held is not None and now < held.ends_at:
            return self._renewed_early(project, held)
        with self._lock:
            now = self._clock()
            held = self._held.get(project)
            if held is not None and now < held.ends_at:
                return held.value  # another thread has fetched it
            return self._fetch(project, now)

    def renew(self, project: str, refused: str) -> str | None:
        """Return another token than the one that SWR refused; None when none would help."""
        with self._lock:
            now = self._clock()
            held = self._held.get(project)
            if held is None or held.value != refused:
                return held.value if held else self._fetch(project, now)
            if held.replaces_refused and timedelta() <= now - held.since < _TRIAL:
                return None
            del self._held[project]
            return self._fetch(project, now, replaces_refused=True)

    def _renewed_early(self, project: str, held: _Held) -> str:
        """Return a new token, or the old one while somebody fetches or IAM cannot be asked."""
        if not self._lock.acquire(blocking=False):
            return held.value
        try:
            if self._held.get(project) is held:
                return self._fetch(project, self._clock())
        except SwrError:
            pass  # kept quiet about for a while, and raised when the old token has ended
        finally:
            self._lock.release()
        return held.value

    def _fetch(self, project: str, now: datetime, *, replaces_refused: bool = False) -> str:
        """Fetch and keep a token; the lock is held. Raises SwrError."""
        self._raise_if_quiet(project, now)
        try:
            issued = self._login(project)
        except SwrError as error:
            self._keep_quiet(project, error)
            raise
        now = self._clock()
        self._failures.clear()
        self._held[project] = _Held(
            issued.value,
            since=now,
            renew_at=now + issued.life - _left_at_renewal(issued.life),
            ends_at=now + issued.life,
            replaces_refused=replaces_refused,
        )
        return issued.value

    def _login(self, project: str) -> IssuedToken:
        """Ask IAM for a token, unless it has refused the credential before. Raises SwrError."""
        mark = fingerprint(self._credentials, self._endpoint)
        reason = self._refused.reason(mark)
        if reason is not None:
            raise _refused_before(reason)
        body = login.token_request(self._credentials, project)
        secrets = (self._credentials.password,)
        request = Request("POST", login.PATH, login.HEADERS, body, secrets)
        answer = self._wire.send(self._endpoint, request)
        try:
            return login.read_token(answer)
        except CredentialRefused as error:
            self._refused.refuse(mark, str(error))
            raise

    def _raise_if_quiet(self, project: str, now: datetime) -> None:
        for key in (project, _EVERY_PROJECT):
            failure = self._failures.get(key)
            # A clock that was set back must not keep us quiet.
            if failure is not None and failure.since <= now < failure.until:
                raise _again(failure.error)

    def _keep_quiet(self, project: str, error: SwrError) -> None:
        """Leave IAM alone for a while: for this project, or for all when IAM itself is unwell."""
        now = self._clock()
        held = self._held.get(project)
        span = _QUIET.get(error.kind, _LONGEST_QUIET)
        if held is not None and now < held.ends_at:
            span = _QUIET_WHILE_USABLE
        if error.retry_after is not None:
            span = min(timedelta(seconds=error.retry_after), _LONGEST_QUIET)
        key = _EVERY_PROJECT if error.kind in _QUIET else project
        self._failures[key] = _Failure(error, now, now + span)


def _left_at_renewal(life: timedelta) -> timedelta:
    return min(max(life * _LEFT_OF_LIFE, _LEAST_LEFT), life * _MOST_LEFT_OF_LIFE)


def _refused_before(reason: str) -> SwrError:
    return SwrError(
        Kind.AUTHENTICATION,
        "refused",
        f"IAM has refused this credential, and it is not tried again: {reason}",
        remedy="correct swr.credentials; they are tried again as soon as they change",
    )


def _again(error: SwrError) -> SwrError:
    """Return the same error anew: one that several threads raise would mix their tracebacks."""
    return SwrError(
        error.kind,
        error.code,
        error.message,
        remedy=error.remedy,
        retry_after=error.retry_after,
    )
