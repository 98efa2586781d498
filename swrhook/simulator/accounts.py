"""Users with their tokens and keys, and the lockout after too many wrong passwords."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from threading import Lock

from swrhook.clock import Clock
from swrhook.simulator import errors
from swrhook.simulator.keys import Keys
from swrhook.simulator.lockout import Lockout, SettingsHolder
from swrhook.simulator.model import Token, User


@dataclass(frozen=True, slots=True)
class Credentials:
    """The credentials of a login; `user` is a name, or an id if `domain` is None."""

    user: str
    password: str
    domain: str | None


class Accounts:
    """Issues tokens and recognizes them until they expire or are revoked."""

    def __init__(self, users: Sequence[User], clock: Clock, holder: SettingsHolder) -> None:
        self.keys = Keys(users, clock, holder)
        self.metadata_tokens: set[str] = set()
        self._users = tuple(users)
        self._clock = clock
        self._holder = holder
        self._lock = Lock()
        self._tokens: dict[str, Token] = {}
        self._lockout: Lockout[User] = Lockout(clock, holder)

    def login(self, credentials: Credentials, *, region: str | None) -> Token:
        """Issue a token for a region's project, or one without a project.

        Raises Refusal when the credentials are wrong or the user is locked.
        """
        with self._lock:
            user = self._authenticate(credentials)
            token = self._issue(user, region)
            self._tokens[token.value] = token
            return token

    def token(self, value: str) -> Token | None:
        """Return the token with this value unless it has expired."""
        token = self._tokens.get(value)
        if token is None or token.expires_at <= self._clock.now():
            return None
        return token

    def revoke_tokens(self) -> int:
        """Revoke every token and temporary key; return how many there were."""
        with self._lock:
            count = len(self._tokens)
            self._tokens.clear()
        return count + self.keys.revoke()

    def lock(self) -> None:
        """Lock every user for `lock_time`, as too many wrong passwords do."""
        self._lockout.lock(self._users)

    def clear(self) -> None:
        """Forget all tokens, temporary keys, failures and locks."""
        self.keys.clear()
        self._lockout.clear()
        with self._lock:
            self.metadata_tokens.clear()
            self._tokens.clear()

    def _authenticate(self, credentials: Credentials) -> User:
        user = self._find(credentials)
        if user is None:
            raise errors.unauthorized()
        if self._lockout.is_locked(user):
            raise errors.iam("0061")
        if not secrets.compare_digest(user.password.encode(), credentials.password.encode()):
            self._lockout.count_failure(user)
            raise errors.unauthorized()
        self._lockout.count_success(user)
        return user

    def _find(self, credentials: Credentials) -> User | None:
        if credentials.domain is None:
            return next((user for user in self._users if user.id == credentials.user), None)
        key = (credentials.domain, credentials.user)
        return next((user for user in self._users if (user.domain, user.name) == key), None)

    def _issue(self, user: User, region: str | None) -> Token:
        settings, now = self._holder.settings, self._clock.now()
        return Token(
            value=_token_value(settings.token_size),
            user=user,
            issued_at=now,
            expires_at=now + timedelta(seconds=settings.token_ttl),
            region=region,
        )


def _token_value(size: int) -> str:
    # IAM's tokens are base64 and begin like this. The padding gives the length of real tokens,
    # which exceed the 8 KiB that many servers allow for a header.
    prefix = "MII" + secrets.token_hex(24)
    return prefix + "A" * (size - len(prefix))
