"""Access keys: each user's own, and the temporary ones that end or are killed."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock

from swrhook.simulator.model import Settings, User
from swrhook.swr.auth.signing import AccessKey

LOCK_TIME = timedelta(minutes=5)
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A key, whose it is, and when it ends; a user's own one never does."""

    key: AccessKey
    user: User
    expires_at: datetime = _NEVER


class Keys:
    """Knows every key, and shuts one out for a while after too many wrong signatures in a row."""

    def __init__(
        self,
        users: Sequence[User],
        *,
        clock: Callable[[], datetime],
        settings: Callable[[], Settings],
    ) -> None:
        self._own = {user.key.access: IssuedKey(user.key, user) for user in users}
        self._clock = clock
        self._settings = settings
        self._lock = Lock()
        self._temporary: dict[str, IssuedKey] = {}
        self._failures: dict[str, int] = {}
        self._locked_until: dict[str, datetime] = {}

    def find(self, access: str) -> IssuedKey | None:
        """Find a key, which may have ended."""
        return self._own.get(access) or self._temporary.get(access)

    def issue(self, user: User, life: timedelta) -> IssuedKey:
        """Make a temporary key."""
        size = self._settings().token_size
        key = AccessKey(
            secrets.token_hex(10).upper(), secrets.token_hex(20), secrets.token_urlsafe(size)[:size]
        )
        issued = IssuedKey(key, user, self._clock() + life)
        with self._lock:
            self._temporary[key.access] = issued
        return issued

    def is_locked(self, access: str) -> bool:
        """Tell whether a key is shut out now."""
        until = self._locked_until.get(access)
        return until is not None and self._clock() < until

    def count_failure(self, access: str) -> None:
        """Remember a wrong signature."""
        with self._lock:
            self._failures[access] = self._failures.get(access, 0) + 1
            if self._failures[access] >= self._settings().lock_after:
                del self._failures[access]
                self._locked_until[access] = self._clock() + LOCK_TIME

    def count_success(self, access: str) -> None:
        """Begin to count anew."""
        with self._lock:
            self._failures.pop(access, None)

    def kill(self) -> int:
        """Make every temporary key worthless, and tell how many there were."""
        with self._lock:
            count = len(self._temporary)
            self._temporary.clear()
            return count

    def clear(self) -> None:
        """Forget all temporary keys, failures and locks."""
        with self._lock:
            self._temporary.clear()
            self._failures.clear()
            self._locked_until.clear()
