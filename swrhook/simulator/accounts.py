"""Users with their tokens and keys, and the lockout after too many wrong passwords.

A user has one permanent access key, and any number of temporary keys.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock

from swrhook.clock import Clock
from swrhook.simulator import errors
from swrhook.simulator.lockout import Lockout, SettingsHolder
from swrhook.simulator.model import AGENCY, LoginMethod, Token, User
from swrhook.swr.auth.signing import AccessKey

KEY_LOCK_TIME = timedelta(minutes=5)
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Credentials:
    """The credentials of a login; `user` is a name, or an id if `domain` is None."""

    user: str
    password: str
    domain: str | None


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A key with its owner and expiry; a user's permanent key never expires."""

    key: AccessKey
    user: User
    expires_at: datetime = _NEVER


class Accounts:
    """Issues tokens and temporary keys, and finds them until they expire or are revoked.

    `key_lockout` locks keys that signed wrongly, by access id.
    """

    def __init__(self, users: Sequence[User], clock: Clock, holder: SettingsHolder) -> None:
        self.metadata_tokens: set[str] = set()
        self.key_lockout: Lockout[str] = Lockout(clock, holder, KEY_LOCK_TIME)
        # A login names its user by account and name, or by id alone.
        self._users: dict[tuple[str | None, str], User] = {
            key: user for user in users for key in ((user.domain, user.name), (None, user.id))
        }
        self._clock = clock
        self._holder = holder
        self._lock = Lock()
        self._tokens: dict[str, Token] = {}
        self._lockout: Lockout[User] = Lockout(clock, holder)
        self._permanent_keys = {user.key.access: IssuedKey(user.key, user) for user in users}
        self._temporary_keys: dict[str, IssuedKey] = {}

    def login(self, credentials: Credentials, *, region: str | None) -> Token:
        """Issue a token for a region's project, or one without a project.

        Raises Refusal when the credentials are wrong or the user is locked.
        """
        with self._lock:
            return self._issue(self._authenticate(credentials), region)

    def login_with_key(self, key: AccessKey, *, region: str | None) -> Token:
        """Issue a token to the owner of a key. Raises Refusal when the key is wrong or expired."""
        with self._lock:
            issued = self.key(key.access)
            if issued is None or issued.expires_at <= self._clock.now():
                raise errors.unauthorized()
            expected = f"{issued.key.secret}/{issued.key.security_token or ''}"
            actual = f"{key.secret}/{key.security_token or ''}"
            if not secrets.compare_digest(expected.encode(), actual.encode()):
                raise errors.unauthorized()
            return self._issue(issued.user, region, "hw_ak_sk")

    def assume_agency(self, user: User, domain: str, agency: str, *, region: str | None) -> Token:
        """Issue a token to a user that acts for an agency of an account, by name or id.

        Raises Refusal when there is no such account or agency.
        """
        accounts = {
            name for owner in self._users.values() for name in (owner.domain, owner.domain_id)
        }
        if domain not in accounts or agency != AGENCY:
            raise errors.iam("0004")
        with self._lock:
            return self._issue(user, region, "assume_role", agency)

    def token(self, value: str) -> Token | None:
        """Return the token with this value unless it has expired."""
        token = self._tokens.get(value)
        if token is None or token.expires_at <= self._clock.now():
            return None
        return token

    def key(self, access: str) -> IssuedKey | None:
        """Return the key with this access id, which may have expired."""
        return self._permanent_keys.get(access) or self._temporary_keys.get(access)

    def issue_key(self, user: User, lifetime: timedelta) -> IssuedKey:
        """Create a temporary key."""
        size = self._holder.settings.token_size
        access, secret = secrets.token_hex(10).upper(), secrets.token_hex(20)
        key = AccessKey(access, secret, secrets.token_urlsafe(size)[:size])
        issued = IssuedKey(key, user, self._clock.now() + lifetime)
        with self._lock:
            self._temporary_keys[access] = issued
        return issued

    def revoke_tokens(self) -> int:
        """Revoke every token and temporary key; return how many there were."""
        with self._lock:
            count = len(self._tokens) + len(self._temporary_keys)
            self._tokens.clear()
            self._temporary_keys.clear()
        return count

    def lock(self) -> None:
        """Lock every user for `lock_time`, as too many wrong passwords do."""
        self._lockout.lock(self._users.values())

    def _issue(
        self,
        user: User,
        region: str | None,
        method: LoginMethod = "password",
        agency: str | None = None,
    ) -> Token:
        settings, now = self._holder.settings, self._clock.now()
        expires_at = now + timedelta(seconds=settings.token_ttl)
        value = _token_value(settings.token_size)
        token = Token(value, user, now, expires_at, region, method, agency)
        self._tokens[value] = token
        return token

    def _authenticate(self, credentials: Credentials) -> User:
        user = self._users.get((credentials.domain, credentials.user))
        if user is None:
            raise errors.unauthorized()
        if self._lockout.is_locked(user):
            raise errors.iam("0061")
        if not secrets.compare_digest(user.password.encode(), credentials.password.encode()):
            self._lockout.count_failure(user)
            raise errors.unauthorized()
        self._lockout.count_success(user)
        return user


def _token_value(size: int) -> str:
    # IAM's tokens are base64 and begin like this. The padding gives the length of real tokens,
    # which exceed the 8 KiB that many servers allow for a header.
    prefix = "MII" + secrets.token_hex(24)
    return prefix + "A" * (size - len(prefix))
