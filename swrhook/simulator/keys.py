"""Access keys: each user's permanent key, and temporary keys that expire or are revoked."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock

from swrhook.clock import Clock
from swrhook.simulator.lockout import Lockout, SettingsHolder
from swrhook.simulator.model import User
from swrhook.swr.auth.signing import AccessKey

LOCK_TIME = timedelta(minutes=5)
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A key with its owner and expiry; a user's permanent key never expires."""

    key: AccessKey
    user: User
    expires_at: datetime = _NEVER


class Keys:
    """Finds, issues and revokes keys; `lockout` locks those with wrong signatures, by access id."""

    def __init__(self, users: Sequence[User], clock: Clock, holder: SettingsHolder) -> None:
        self._permanent = {user.key.access: IssuedKey(user.key, user) for user in users}
        self._clock = clock
        self._holder = holder
        self._lock = Lock()
        self._temporary: dict[str, IssuedKey] = {}
        self.lockout: Lockout[str] = Lockout(clock, holder, LOCK_TIME)

    def find(self, access: str) -> IssuedKey | None:
        """Return the key with this access id, which may have expired."""
        return self._permanent.get(access) or self._temporary.get(access)

    def issue(self, user: User, lifetime: timedelta) -> IssuedKey:
        """Create a temporary key."""
        size = self._holder.settings.token_size
        key = AccessKey(
            secrets.token_hex(10).upper(), secrets.token_hex(20), secrets.token_urlsafe(size)[:size]
        )
        issued = IssuedKey(key, user, self._clock.now() + lifetime)
        with self._lock:
            self._temporary[key.access] = issued
        return issued

    def revoke(self) -> int:
        """Revoke every temporary key; return how many there were."""
        with self._lock:
            count = len(self._temporary)
            self._temporary.clear()
            return count

    def clear(self) -> None:
        """Forget all temporary keys, failures and locks."""
        self.revoke()
        self.lockout.clear()
