"""One step of a repair, which this process has claimed."""

import threading
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from swrhook.clock import Clock
from swrhook.errors import SwrError
from swrhook.ledger import findings, repairs
from swrhook.ledger.database import Database
from swrhook.syncs.reconciliation import Progress, Repair, Stage

# How often one request is tried in a region that does not answer, with growing waits.
_MAX_TRIES = 6
_MAX_RETRY_WAIT = 60  # seconds


class StepLost(Exception):
    """The claim on the step is lost, or the process stops."""


@dataclass(frozen=True, slots=True)
class RepairStep:
    """A step of a repair that this process has claimed; a StepLease."""

    repair: Repair
    claim: str
    reports_drift: bool  # of what it found, if it compares
    database: Database
    clock: Clock
    stopping: threading.Event

    def renew(self, wait: timedelta) -> None:
        """Wait, then renew the claim. Raises StepLost."""
        if wait:
            self.stopping.wait(max(wait.total_seconds(), 0))
        # A lease that is lost with the machine is free, and so it should be.
        with self.database.write(durable=False) as connection:
            is_renewed = repairs.renew_lease(connection, self.claim, self.clock.now())
        if not is_renewed or self.stopping.is_set():
            raise StepLost

    def advance(self, connection: Connection, progress: Progress) -> None:
        """End the step in the transaction of its results. Raises StepLost, which undoes them."""
        if self.reports_drift and progress.stage is not Stage.COMPARING:
            findings.record_drift_notice(connection, self.repair.id, self.clock.now())
        if not repairs.advance(connection, self.claim, self.clock.now(), progress):
            raise StepLost

    def release(self, wait: timedelta) -> None:
        """Leave the step to be done again, after a wait."""
        now = self.clock.now()
        with self.database.write() as connection:
            repairs.advance(connection, self.claim, now, Progress(self.repair.stage, now + wait))

    def postpone(self, error: SwrError, calls: int) -> bool:
        """Leave a step that failed to be tried again; False if that would be of no use."""
        tries = self.repair.tries
        if not error.kind.is_retryable or tries + 1 >= _MAX_TRIES:
            return False
        now = self.clock.now()
        wait = max(min(2**tries, _MAX_RETRY_WAIT), error.retry_after or 0)
        with self.database.write() as connection:
            repairs.postpone(connection, self.claim, now, now + timedelta(seconds=wait), calls)
        return True
