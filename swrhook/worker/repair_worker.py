"""The thread that carries out backfills and reconciles, one step after another.

A step compares one repository, or records one portion of syncs. It is claimed in the ledger, so
that each is done once by all processes together; killed in the middle, it is done again.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from sqlalchemy import Connection

from swrhook import logs
from swrhook.clock import Clock
from swrhook.config.model import Config
from swrhook.errors import SwrError
from swrhook.ledger import findings, repairs
from swrhook.ledger.database import Database
from swrhook.ledger.ports import LaneScheduler
from swrhook.periodic import PeriodicThread
from swrhook.syncs.reconciliation import (
    OVER_BUDGET,
    Drift,
    Finding,
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
from swrhook.worker.repository_diff import BudgetSpent, RepositoryLister, compare_repository

# Seconds between two looks for work.
BETWEEN_LOOKS = 1.0
# No more of a repair's syncs are open at a time: cancelled, it leaves few behind.
MOST_OPEN = 1000
_PORTION = 200
_FULL_PAUSE = timedelta(seconds=1)
_AFTER_ERROR = timedelta(seconds=5)
# A region that does not answer is asked again so often for one repository, ever later.
_TRIES = 6
_LONGEST_PAUSE = 60


class Active(Protocol):
    """A configuration in use, with the way to SWR that belongs to it."""

    @property
    def config(self) -> Config:
        """Return the configuration."""
        ...

    @property
    def gateway(self) -> SwrGateway:
        """Return the way to SWR."""
        ...


class ActiveSource(Protocol):
    """Lends what is in use; a reload does not close it while it is lent."""

    def lease(self) -> AbstractContextManager[Active]:
        """Lend it for the duration of a `with` block."""
        ...


class _Ended(Exception):
    """The step is not ours any more, or the process is to end."""


@dataclass(slots=True)
class RepairWorker:
    """Works on the ledger's repairs, and begins the scheduled ones.

    `active` lends the configuration in use and the way to SWR, for one step. Inside the transaction
    that records syncs, `scheduler` is told which lanes to run now.
    """

    database: Database
    active: ActiveSource
    scheduler: LaneScheduler
    clock: Clock
    between: float = BETWEEN_LOOKS
    _thread: PeriodicThread = field(init=False)

    def __post_init__(self) -> None:
        """Make the thread; `start` starts it."""
        self._thread = PeriodicThread("repair", self.step, self.between)

    def start(self) -> None:
        """Begin, with what an earlier process left unfinished."""
        if self.database.is_sqlite:  # there is no other process
            with self.database.write() as connection:
                repairs.forget_claims(connection)
        self._thread.start()

    def stop(self) -> None:
        """Leave the step that is under way to whoever comes next."""
        self._thread.stop()

    def step(self) -> bool:
        """Begin what is scheduled and do one step; False when there is nothing to do now."""
        with self.active.lease() as active:
            config = active.config
            self._schedule(config)
            with self.database.write() as connection:
                taken = repairs.claim_next(connection, self.clock.now())
            if taken is None:
                return False
            repair, claim = taken
            try:
                if repair.stage is Stage.COMPARING:
                    self._compare(repair, claim, config, active.gateway)
                else:
                    self._order(repair, claim, config)
            except _Ended:
                self._give_back(repair, claim, timedelta())
            except Exception:
                self._give_back(repair, claim, _AFTER_ERROR)
                raise
        return True

    def _schedule(self, config: Config) -> None:
        wanted = config.options.reconcile
        if wanted.every is None:
            return
        with self.database.write() as connection:
            repairs.begin_scheduled(connection, wanted.every, wanted.max_calls, self.clock.now())

    def _compare(self, repair: Repair, claim: str, config: Config, traffic: SwrGateway) -> None:
        with self.database.read() as connection:
            place = repairs.next_repository(connection, repair)
            is_reconcile = repair.kind is RepairKind.RECONCILE
            copied = findings.verified_syncs(connection, place) if place and is_reconcile else []
        if place is None:
            self._finish(repair, claim, cursor="")
            return
        if place.region not in config.swr.regions:
            self._skip(repair, claim, place, f"{place.region} is not under swr.regions", calls=0)
            return
        lister = RepositoryLister(
            traffic, config, repair.budget, lambda wait: self._hold(claim, wait)
        )
        try:
            found = compare_repository(lister, repair, place, copied)
        except BudgetSpent:
            self._spent(repair, claim, place, lister.calls)
        except SwrError as exc:
            self._failed(repair, claim, place, exc, lister.calls)
        else:
            self._keep(repair, claim, place, found, lister)

    def _keep(
        self,
        repair: Repair,
        claim: str,
        place: RepositoryRef,
        found: list[Finding],
        lister: RepositoryLister,
    ) -> None:
        """Write what was found; where the budget ends in it, the next pass begins with it."""
        batch = lister.config.options.batch
        is_reconcile = repair.kind is RepairKind.RECONCILE
        if is_reconcile:
            found = [each for each in found if each.drift is not Drift.SAME]
        if repair.report_only:
            found = report_only(found)
        budget = repair.budget - lister.calls
        found = limit_to_budget(found, lister.pages, batch=batch, budget=budget)
        price = estimate_cost(found, lister.pages, batch=batch)
        is_cut = any(each.reason == OVER_BUDGET for each in found)
        goes_on = not is_cut or (repair.is_untouched and not price.calls)
        with self.database.write() as connection:
            if is_reconcile:
                findings.mark_outdated(connection, place)
            findings.store_findings(connection, repair.id, found, latest=is_reconcile)
            stage = Stage.COMPARING if goes_on else repair.after_comparing
            cursor = place.key if goes_on else repair.cursor
            progress = Progress(stage, self.clock.now(), cursor, price, lister.calls)
            self._advance(connection, claim, progress)
        logs.event(
            "repair.compared",
            repair=repair.id,
            kind=repair.kind.value,
            place=place.key,
            findings=len(found),
            calls=lister.calls,
        )

    def _advance(self, connection: Connection, claim: str, progress: Progress) -> None:
        if not repairs.advance(connection, claim, self.clock.now(), progress):
            raise _Ended

    def _finish(self, repair: Repair, claim: str, cursor: str, calls: int = 0) -> None:
        with self.database.write() as connection:
            stage = repair.after_comparing
            self._advance(connection, claim, Progress(stage, self.clock.now(), cursor, calls=calls))
        logs.event("repair.all_compared", repair=repair.id, kind=repair.kind.value)

    def _spent(self, repair: Repair, claim: str, place: RepositoryRef, calls: int) -> None:
        if repair.is_untouched:
            reason = f"listing it takes more than max_calls ({repair.max_calls})"
            self._skip(repair, claim, place, reason, calls)
        else:
            self._finish(repair, claim, repair.cursor, calls)

    def _failed(
        self, repair: Repair, claim: str, place: RepositoryRef, error: SwrError, calls: int
    ) -> None:
        if not error.kind.is_retryable or repair.tries + 1 >= _TRIES:
            self._skip(repair, claim, place, f"cannot be listed: {error}", calls)
            return
        now = self.clock.now()
        wait = max(min(2**repair.tries, _LONGEST_PAUSE), error.retry_after or 0)
        with self.database.write() as connection:
            repairs.postpone(connection, claim, now, now + timedelta(seconds=wait), calls)

    def _skip(
        self, repair: Repair, claim: str, place: RepositoryRef, reason: str, calls: int
    ) -> None:
        with self.database.write() as connection:
            repairs.add_note(connection, repair.id, f"{place.key}: {reason}")
            stage = Stage.COMPARING
            self._advance(
                connection, claim, Progress(stage, self.clock.now(), place.key, calls=calls)
            )
        logs.warning("repair.skipped", repair=repair.id, place=place.key, reason=reason)

    def _order(self, repair: Repair, claim: str, config: Config) -> None:
        with self.database.read() as connection:
            is_full = findings.count_open(connection, repair.id) > MOST_OPEN - _PORTION
        if is_full:
            self._give_back(repair, claim, _FULL_PAUSE)
            return
        with self.database.write() as connection:
            now = self.clock.now()
            portion = findings.record_portion(connection, repair.id, config.version, now, _PORTION)
            self.scheduler.wake(portion.lanes, now, connection)
            stage = Stage.DONE if portion.is_last else Stage.ORDERING
            self._advance(connection, claim, Progress(stage, now))
        if portion.is_last:
            logs.event("repair.done", repair=repair.id, kind=repair.kind.value)

    def _hold(self, claim: str, wait: timedelta) -> None:
        """Wait, and keep the claim."""
        if wait:
            self._thread.stopping.wait(max(wait.total_seconds(), 0))
        with self.database.write() as connection:
            is_ours = repairs.renew_lease(connection, claim, self.clock.now())
        if not is_ours or self._thread.stopping.is_set():
            raise _Ended

    def _give_back(self, repair: Repair, claim: str, wait: timedelta) -> None:
        now = self.clock.now()
        with self.database.write() as connection:
            repairs.advance(connection, claim, now, Progress(repair.stage, now + wait))
