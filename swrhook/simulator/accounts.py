"""Users, their tokens and keys, and the lock that falls after too many wrong passwords."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from swrhook.simulator import errors
from swrhook.simulator.keys import Keys
from swrhook.simulator.model import Settings, Token, User


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a login presents; the user by name and account, or by id."""

    user: str
    password: str
    domain: str | None


class Accounts:
    """Issues tokens and recognizes them, until they expire or are killed."""

    def __init__(
        self,
        users: Sequence[User],
        *,
        clock: Callable[[], datetime],
        settings: Callable[[], Settings],
    ) -> None:
        self.keys = Keys(users, clock=clock, settings=settings)
        self.metadata_tokens: set[str] = set()
        self._users = tuple(users)
        self._clock = clock
        self._settings = settings
        self._lock = Lock()
        self._tokens: dict[str, Token] = {}
        self._failures: dict[User, int] = {}
        self._locked_until: dict[User, datetime] = {}

    def login(self, credentials: Credentials, *, region: str | None) -> Token:
        """Issue a token for a region's project, or one without a project."""
        with self._lock:
            user = self._authenticate(credentials)
            token = self._issue(user, region)
            self._tokens[token.value] = token
            return token

    def token(self, value: str) -> Token | None:
        """Find a token that is still good."""
        token = self._tokens.get(value)
        if token is None or token.expires_at <= self._clock():
            return None
        return token

    def kill_tokens(self) -> int:
        """Make every token and temporary key worthless, and tell how many there were."""
        with self._lock:
            count = len(self._tokens)
            self._tokens.clear()
        return count + self.keys.kill()

    def lock(self) -> None:
        """Lock every user for a while, as too many wrong passwords do."""
        with self._lock:
            until = self._clock() + timedelta(seconds=self._settings().lock_time)
            self._locked_until = dict.fromkeys(self._users, until)

    def clear(self) -> None:
        """Forget all tokens, temporary keys, failures and locks."""
        self.keys.clear()
        with self._lock:
            self.metadata_tokens.clear()
            self._tokens.clear()
            self._failures.clear()
            self._locked_until.clear()

    def _authenticate(self, credentials: Credentials) -> User:
        user = self._find(credentials)
        if user is None:
            raise errors.unauthorized()
        if self._locked_until.get(user, self._clock()) > self._clock():
            raise errors.iam(401, "0061", "Account locked.")
        if not secrets.compare_digest(user.password.encode(), credentials.password.encode()):
            self._count_failure(user)
            raise errors.unauthorized()
        self._failures.pop(user, None)
        return user

    def _find(self, credentials: Credentials) -> User | None:
        if credentials.domain is None:
            return next((user for user in self._users if user.id == credentials.user), None)
        key = (credentials.domain, credentials.user)
        return next((user for user in self._users if (user.domain, user.name) == key), None)

    def _count_failure(self, user: User) -> None:
        failures = self._failures.get(user, 0) + 1
        self._failures[user] = failures
        if failures >= self._settings().lock_after:
            del self._failures[user]
            lock_time = timedelta(seconds=self._settings().lock_time)
            self._locked_until[user] = self._clock() + lock_time

    def _issue(self, user: User, region: str | None) -> Token:
        settings, now = self._settings(), self._clock()
        return Token(
            value=_token_value(settings.token_size),
            user=user,
            issued_at=now,
            expires_at=now + timedelta(seconds=settings.token_ttl),
            region=region,
        )


def _token_value(size: int) -> str:
    # IAM's tokens are base64 and begin like this; padding gives the length of real ones, which
    # go beyond the 8 KiB that many servers allow a header.
    unique = "MII" + secrets.token_hex(24)
    return unique + "A" * (size - len(unique))
