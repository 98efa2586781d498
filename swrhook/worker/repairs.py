"""The thread that carries out backfills and reconciles, one step after another.

A step compares one repository, or records one portion of syncs. It is claimed in the ledger, so
that of all processes only one carries it out. A step that was killed is done again.
"""

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from sqlalchemy import Connection

from swrhook import logs
from swrhook.clock import Clock
from swrhook.errors import SwrError
from swrhook.ledger import findings, repairs
from swrhook.ledger.auto_sync_overlaps import replace_overlaps
from swrhook.ledger.database import Database
from swrhook.ledger.observations import keep_observations
from swrhook.ledger.ports import LaneScheduler
from swrhook.notifications.model import Topic
from swrhook.periodic import PeriodicThread
from swrhook.syncs.auto_sync import Overlap
from swrhook.syncs.observations import TagObservation
from swrhook.syncs.reconciliation import (
    OVER_BUDGET,
    Drift,
    Progress,
    Repair,
    RepairKind,
    RepositoryRef,
    Stage,
    estimate_cost,
    limit_to_budget,
    report_only,
)
from swrhook.worker.gateway import SwrGateway
from swrhook.worker.repository_diff import (
    BudgetSpent,
    Comparison,
    RepositoryLister,
    compare_repository,
    describe_failure,
)

POLL_INTERVAL = 2.0  # seconds: a question to the ledger costs a commit on PostgreSQL
# At most this many of a repair's syncs are open at a time, so that a cancelled repair leaves few.
MAX_OPEN = 1000
_PORTION = 200
_RETRY_WHEN_FULL = timedelta(seconds=1)
_RETRY_AFTER_ERROR = timedelta(seconds=5)
# How often one repository is tried in a region that does not answer, with growing waits.
_MAX_TRIES = 6
_MAX_RETRY_WAIT = 60  # seconds


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


class _StepLost(Exception):
    """The claim on the step is lost, or the process stops."""


@dataclass(frozen=True, slots=True)
class _Step:
    """A step of a repair that this process has claimed; a StepLease."""

    repair: Repair
    claim: str
    tells_drift: bool  # of what it found, if it compares
    database: Database
    clock: Clock
    stopping: threading.Event

    def renew(self, wait: timedelta) -> None:
        """Wait, then renew the claim. Raises _StepLost."""
        if wait:
            self.stopping.wait(max(wait.total_seconds(), 0))
        with self.database.write() as connection:
            is_renewed = repairs.renew_lease(connection, self.claim, self.clock.now())
        if not is_renewed or self.stopping.is_set():
            raise _StepLost

    def advance(self, connection: Connection, progress: Progress) -> None:
        """End the step in the transaction of its results. Raises _StepLost, which undoes them."""
        if self.tells_drift and progress.stage is not Stage.COMPARING:
            findings.tell_drift(connection, self.repair.id, self.clock.now())
        if not repairs.advance(connection, self.claim, self.clock.now(), progress):
            raise _StepLost

    def release(self, wait: timedelta) -> None:
        """Leave the step to be done again, after a wait."""
        now = self.clock.now()
        with self.database.write() as connection:
            repairs.advance(connection, self.claim, now, Progress(self.repair.stage, now + wait))


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

    def __post_init__(self) -> None:
        super().__init__("repair", self.step, self.interval)

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
            with self.database.write() as connection:
                if reconcile.every is not None:
                    repairs.begin_scheduled(connection, reconcile.every, reconcile.max_calls, now)
                claimed = repairs.claim_next(connection, now)
            if claimed is None:
                return False
            tells_drift = claimed[0].seeks_drift and Topic.DRIFT in gateway.config.notify.topics
            step = _Step(*claimed, tells_drift, self.database, self.clock, self.stopping)
            try:
                if step.repair.stage is Stage.COMPARING:
                    self._compare(step, gateway)
                else:
                    self._record_syncs(step, gateway.config.version)
            except _StepLost:
                step.release(timedelta())
            except Exception:
                step.release(_RETRY_AFTER_ERROR)
                raise
        return True

    def _compare(self, step: _Step, gateway: SwrGateway) -> None:
        repair = step.repair
        with self.database.read() as connection:
            repository = repairs.next_repository(connection, repair)
            copied = []
            if repository is not None and repair.kind is RepairKind.RECONCILE:
                copied = findings.verified_syncs(connection, repository)
        if repository is None:
            self._finish_comparing(step, cursor="")
            return
        if repository.region not in gateway.config.swr.regions:
            self._skip(step, repository, f"{repository.region} is not under swr.regions", calls=0)
            return
        lister = RepositoryLister(gateway, repair.budget, step, self.clock)
        try:
            comparison = compare_repository(lister, repair, repository, copied)
        except BudgetSpent:
            self._end_budget(step, repository, lister.calls)
        except SwrError as exc:
            self._retry_or_skip(step, repository, exc, lister.calls)
        else:
            self._save(step, repository, comparison, lister)

    def _save(
        self,
        step: _Step,
        repository: RepositoryRef,
        compared: Comparison,
        lister: RepositoryLister,
    ) -> None:
        """Save what was seen of a repository, its findings, and where SWR's own rules overlap.

        If the budget ends within the repository, the next reconcile begins with it again.
        """
        repair, comparison = step.repair, compared.findings
        batch = lister.gateway.config.options.batch
        self._keep(compared.observations)
        is_reconcile = repair.kind is RepairKind.RECONCILE
        if is_reconcile:
            comparison = [finding for finding in comparison if finding.drift is not Drift.SAME]
        if repair.report_only:
            comparison = report_only(comparison)
        budget = repair.budget - lister.calls
        comparison = limit_to_budget(comparison, lister.pages, batch=batch, budget=budget)
        price = estimate_cost(comparison, lister.pages, batch=batch)
        is_cut = any(finding.reason == OVER_BUDGET for finding in comparison)
        # A repository for which even a full budget is too small must not stop all that follow.
        continues = not is_cut or (repair.is_untouched and not price.calls)
        with self.database.write() as connection:
            if is_reconcile:
                findings.mark_outdated(connection, repository)
            findings.store_findings(connection, repair.id, comparison, latest=is_reconcile)
            self._save_overlaps(connection, repair.id, repository, compared.overlaps)
            stage = Stage.COMPARING if continues else repair.after_comparing
            cursor = repository.key if continues else repair.cursor
            progress = Progress(stage, self.clock.now(), cursor, price, lister.calls)
            step.advance(connection, progress)
        logs.event(
            "repair.compared",
            repair=repair.id,
            kind=repair.kind.value,
            place=repository.key,
            findings=len(comparison),
            calls=lister.calls,
        )

    def _keep(self, observations: Sequence[TagObservation]) -> None:
        """Keep what was seen: in portions, so that nothing waits long for the ledger."""
        for start in range(0, len(observations), _PORTION):
            with self.database.write(durable=False) as connection:
                keep_observations(connection, observations[start : start + _PORTION])

    def _save_overlaps(
        self,
        connection: Connection,
        repair_id: str,
        repository: RepositoryRef,
        overlaps: Sequence[Overlap] | None,
    ) -> None:
        if overlaps is None:
            return
        replace_overlaps(connection, repository, overlaps, self.clock.now())
        for overlap in overlaps:
            if overlap.is_contradiction:
                repairs.add_note(connection, repair_id, f"{repository.key}: {overlap}")

    def _finish_comparing(self, step: _Step, cursor: str, calls: int = 0) -> None:
        repair = step.repair
        with self.database.write() as connection:
            progress = Progress(repair.after_comparing, self.clock.now(), cursor, calls=calls)
            step.advance(connection, progress)
        logs.event("repair.all_compared", repair=repair.id, kind=repair.kind.value)

    def _end_budget(self, step: _Step, repository: RepositoryRef, calls: int) -> None:
        repair = step.repair
        if repair.is_untouched:
            reason = f"listing it takes more than max_calls ({repair.max_calls})"
            self._skip(step, repository, reason, calls)
        else:
            self._finish_comparing(step, repair.cursor, calls)

    def _retry_or_skip(
        self, step: _Step, repository: RepositoryRef, error: SwrError, calls: int
    ) -> None:
        tries = step.repair.tries
        if not error.kind.is_retryable or tries + 1 >= _MAX_TRIES:
            self._skip(step, repository, describe_failure(error), calls)
            return
        now = self.clock.now()
        wait = max(min(2**tries, _MAX_RETRY_WAIT), error.retry_after or 0)
        with self.database.write() as connection:
            repairs.postpone(connection, step.claim, now, now + timedelta(seconds=wait), calls)

    def _skip(self, step: _Step, repository: RepositoryRef, reason: str, calls: int) -> None:
        repair, cursor = step.repair, repository.key
        with self.database.write() as connection:
            repairs.add_note(connection, repair.id, f"{cursor}: {reason}")
            progress = Progress(Stage.COMPARING, self.clock.now(), cursor, calls=calls)
            step.advance(connection, progress)
        logs.warning("repair.skipped", repair=repair.id, place=cursor, reason=reason)

    def _record_syncs(self, step: _Step, version: str) -> None:
        repair = step.repair
        with self.database.read() as connection:
            is_full = findings.count_open(connection, repair.id) > MAX_OPEN - _PORTION
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
