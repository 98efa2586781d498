"""The thread that carries out backfills and reconciles, one step after another.

A step compares one repository, or records one portion of syncs. It is claimed in the ledger, so
that of all processes only one carries it out. A step that was killed is done again.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from swrhook import logs
from swrhook.clock import Clock
from swrhook.ledger import findings, repairs
from swrhook.ledger.database import Database
from swrhook.ledger.ports import LaneScheduler
from swrhook.notifications.model import Topic
from swrhook.periodic import PeriodicThread, always
from swrhook.syncs.reconciliation import (
    Progress,
    Stage,
)
from swrhook.worker.comparison_step import ComparisonStep
from swrhook.worker.discovery import Discovery
from swrhook.worker.gateway import SwrGateway
from swrhook.worker.repair_step import RepairStep, StepLost

POLL_INTERVAL = 2.0  # seconds
# At most this many of a repair's syncs are open at a time, so that a cancelled repair leaves few.
MAX_OPEN = 1000
# Among so many that were recorded last: what is stuck does not stop the others for ever.
_MOST_COUNTED = 5 * MAX_OPEN
_PORTION = 200
_RETRY_WHEN_FULL = timedelta(seconds=1)
_RETRY_AFTER_ERROR = timedelta(seconds=5)


class Active(Protocol):
    """What was made from the configuration in use."""

    @property
    def gateway(self) -> SwrGateway:
        """Return the gateway, which has the configuration."""
        ...


class ActiveSource(Protocol):
    """Leases what is in use; a reload does not close it during the lease."""

    def lease(self) -> AbstractContextManager[Active]:
        """Lease it for the duration of a `with` block."""
        ...


@dataclass(eq=False)
class RepairWorker(PeriodicThread):
    """Works on the ledger's repairs, and begins the scheduled ones.

    `active` leases the configuration and the gateway for one step. `scheduler` wakes the lanes of
    new syncs, in the transaction that records them. A stop releases the step in progress, and
    another process continues it.
    """

    database: Database
    active: ActiveSource
    scheduler: LaneScheduler
    clock: Clock
    interval: float = POLL_INTERVAL
    is_due: Callable[[], bool] = always

    def __post_init__(self) -> None:
        super().__init__("repair", self.step, self.interval, is_due=self.is_due)

    def start(self) -> None:
        """Start the thread. It continues what an earlier process left unfinished."""
        if self.database.is_sqlite:  # the only process: a claim in the ledger is its predecessor's
            with self.database.write() as connection:
                repairs.forget_claims(connection)
        super().start()

    def step(self) -> bool:
        """Begin what is scheduled and do one step; return False if there is nothing to do now."""
        with self.active.lease() as active:
            gateway, now = active.gateway, self.clock.now()
            reconcile = gateway.config.options.reconcile
            with self.database.write(durable=False) as connection:  # as a renewed claim
                if reconcile.every is not None:
                    repairs.begin_scheduled(connection, reconcile.every, reconcile.max_calls, now)
                claimed = repairs.claim_next(connection, now)
            if claimed is None:
                return False
            reports_drift = claimed[0].seeks_drift and Topic.DRIFT in gateway.config.notify.topics
            step = RepairStep(*claimed, reports_drift, self.database, self.clock, self.stopping)
            try:
                match step.repair.stage:
                    case Stage.DISCOVERING:
                        Discovery(step, gateway).run()
                    case Stage.COMPARING:
                        ComparisonStep(step, gateway).run()
                    case _:
                        self._record_syncs(step, gateway.config.version)
            except StepLost:
                step.release(timedelta())
            except Exception:
                step.release(_RETRY_AFTER_ERROR)
                raise
        return True

    def _record_syncs(self, step: RepairStep, version: str) -> None:
        repair = step.repair
        with self.database.read() as connection:
            count = findings.count_open(connection, repair.id, _MOST_COUNTED)
            is_full = count > MAX_OPEN - _PORTION
        if is_full:
            step.release(_RETRY_WHEN_FULL)
            return
        with self.database.write() as connection:
            now = self.clock.now()
            portion = findings.record_portion(connection, repair.id, version, now, _PORTION)
            self.scheduler.wake(connection)
            stage = Stage.DONE if portion.is_last else Stage.ORDERING
            step.advance(connection, Progress(stage, now))
        if portion.is_last:
            logs.event("repair.done", repair=repair.id, kind=repair.kind.value)
