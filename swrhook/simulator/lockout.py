"""Lockout after too many wrong passwords or signatures in a row."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from threading import Lock
from typing import Generic, Protocol, TypeVar

from swrhook.clock import Clock
from swrhook.simulator.model import Settings

Account = TypeVar("Account")


class SettingsHolder(Protocol):
    """Has the settings that apply now; they may be replaced at any time."""

    @property
    def settings(self) -> Settings:
        """Return the settings that apply now."""


class Lockout(Generic[Account]):
    """Counts failures per account and locks an account at the `lock_after`-th in a row."""

    def __init__(
        self, clock: Clock, holder: SettingsHolder, duration: timedelta | None = None
    ) -> None:
        """Lock for the duration, or else for the settings' `lock_time`."""
        self._clock = clock
        self._holder = holder
        self._duration = duration
        self._lock = Lock()
        self._failures: dict[Account, int] = {}
        self._locked_until: dict[Account, datetime] = {}

    def is_locked(self, account: Account) -> bool:
        """Tell whether the account is locked now."""
        until = self._locked_until.get(account)
        return until is not None and self._clock.now() < until

    def count_failure(self, account: Account) -> None:
        """Count a failure, and lock the account if it is one too many."""
        with self._lock:
            self._failures[account] = self._failures.get(account, 0) + 1
            if self._failures[account] >= self._holder.settings.lock_after:
                del self._failures[account]
                self._locked_until[account] = self._until()

    def count_success(self, account: Account) -> None:
        """Start counting the account's failures from zero again."""
        with self._lock:
            self._failures.pop(account, None)

    def lock(self, accounts: Iterable[Account]) -> None:
        """Lock these accounts and no others."""
        with self._lock:
            self._locked_until = dict.fromkeys(accounts, self._until())

    def _until(self) -> datetime:
        settings_duration = timedelta(seconds=self._holder.settings.lock_time)
        return self._clock.now() + (self._duration or settings_duration)
