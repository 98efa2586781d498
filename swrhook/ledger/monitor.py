"""Asks the ledger's database once a second whether it can be used, in a thread of its own."""

import time

from sqlalchemy.exc import SQLAlchemyError

from swrhook.ledger.database import Database
from swrhook.ledger.failures import reason_of
from swrhook.periodic import PeriodicThread
from swrhook.wording.message import say

INTERVAL = 1.0
# Seconds for an answer; after that the database counts as silent.
PATIENCE = 3.0
# A question to a silent database ends by itself, but a stop does not wait for that.
_STOP_TIMEOUT = 1.0


class LedgerMonitor(PeriodicThread):
    """Knows at any time, without asking, whether the ledger can be used.

    While its database is silent, every other use of the ledger in this process fails at once:
    otherwise all threads would soon wait for it, and none would be left to answer /readyz.
    """

    def __init__(
        self, database: Database, *, interval: float = INTERVAL, patience: float = PATIENCE
    ) -> None:
        super().__init__("ledger_monitor", self.ask, interval)
        self._spare = database.spare()
        self._patience = patience
        self._asked_at: float | None = None  # the question that has no answer yet
        self._problem: str | None = None  # according to the last answer
        self._was_silent = False
        database.set_watch(self)

    def check(self) -> str | None:
        """Return why the ledger cannot be used, or None. Never waits."""
        return self.silence() or self._problem

    def silence(self) -> str | None:
        """Return that the database does not answer at all, or None. Never waits."""
        asked_at = self._asked_at
        waited = 0.0 if asked_at is None else time.monotonic() - asked_at
        if waited > self._patience:
            return say("the database has not answered for %(count)s seconds", count=round(waited))
        return self._problem if self._was_silent else None

    def ask(self) -> None:
        """Ask once, and keep the answer."""
        asked_at = self._asked_at = time.monotonic()
        try:
            problem = self._spare.ask()
        except (SQLAlchemyError, OSError) as exc:
            problem = say("the database cannot be used: %(why)s", why=reason_of(exc))
        self._problem = problem
        self._was_silent = problem is not None and time.monotonic() - asked_at > self._patience
        self._asked_at = None

    def stop(self, timeout: float | None = _STOP_TIMEOUT) -> None:
        """Stop asking."""
        super().stop(timeout)
        self._spare.close()
