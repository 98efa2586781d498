"""Compares the next repository of a repair with its targets, and saves what was seen."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import Connection

from swrhook import logs
from swrhook.errors import SwrError
from swrhook.ledger import coverage, discovery, findings, repairs
from swrhook.ledger.auto_sync_overlaps import replace_overlaps
from swrhook.ledger.database import Database
from swrhook.ledger.observations import keep_observations
from swrhook.model import PlannedSync, route
from swrhook.syncs.auto_sync import Overlap
from swrhook.syncs.coverage import measure
from swrhook.syncs.observations import TagObservation
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
from swrhook.syncs.scope import Scope
from swrhook.wording.message import say
from swrhook.worker.gateway import SwrGateway
from swrhook.worker.repair_step import RepairStep
from swrhook.worker.repository_diff import (
    FEW_REPOSITORIES,
    BudgetSpent,
    Comparison,
    RepositoryLister,
    compare_repository,
    describe_failure,
)

_PORTION = 200
# A scheduled reconcile of many repositories is spread over half of its interval, but waits for
# none of them longer than this.
_LONGEST_PAUSE = timedelta(seconds=30)


@dataclass(slots=True)
class ComparisonStep:
    """Carries out one step of the stage `comparing`."""

    step: RepairStep
    gateway: SwrGateway
    lister: RepositoryLister = field(init=False)

    def __post_init__(self) -> None:
        step = self.step
        self.lister = RepositoryLister(self.gateway, step.repair.budget, step, step.clock)

    @property
    def repair(self) -> Repair:
        """Return the repair."""
        return self.step.repair

    @property
    def database(self) -> Database:
        """Return the ledger."""
        return self.step.database

    def run(self) -> None:
        """Compare the next repository, or end the comparison. Raises StepLost."""
        with self.database.read() as connection:
            repository = repairs.next_repository(connection, self.repair)
            copied: list[PlannedSync] = []
            if repository is not None and self.repair.kind is RepairKind.RECONCILE:
                copied = findings.verified_syncs(connection, repository)
        if repository is None:
            self._finish(cursor="")
        elif repository.region not in self.gateway.config.swr.regions:
            self._skip(repository, say("its region is not under swr.regions"))
        else:
            self._compare(repository, copied)

    def _compare(self, repository: RepositoryRef, copied: Sequence[PlannedSync]) -> None:
        try:
            comparison = compare_repository(self.lister, self.repair, repository, copied)
        except BudgetSpent:
            self._end_budget(repository)
        except SwrError as exc:
            if not self.step.postpone(exc, self.lister.calls):
                self._skip(repository, describe_failure(exc))
        else:
            self._save(repository, comparison)

    def _save(self, repository: RepositoryRef, compared: Comparison) -> None:
        """Save what was seen of a repository, its findings, and where SWR's own rules overlap.

        If the budget ends within the repository, the next reconcile begins with it again.
        """
        repair, lister = self.repair, self.lister
        batch = self.gateway.config.options.batch
        self._keep(compared.observations)
        differences = self._limit(compared.findings)
        price = estimate_cost(differences, lister.pages, batch=batch)
        is_cut = any(finding.reason == OVER_BUDGET for finding in differences)
        # A repository for which even a full budget is too small must not stop all that follow.
        continues = not is_cut or (repair.is_untouched and not price.calls)
        is_reconcile = repair.kind is RepairKind.RECONCILE
        with self.database.write() as connection:
            if is_reconcile:
                findings.mark_outdated(connection, repository)
            findings.store_findings(connection, repair.id, differences, latest=is_reconcile)
            self._save_overlaps(connection, repository, compared.overlaps)
            self._save_coverage(connection, repository, compared)
            if continues:
                is_full = not (repair.rule or repair.sender or (repair.scope or Scope()).is_partial)
                compared_at = compared.began_at if is_full else None
                now = self.step.clock.now()
                discovery.mark_visited(connection, repository, now, compared_at)
            progress = Progress(
                stage=Stage.COMPARING if continues else repair.after_comparing,
                due_at=self.step.clock.now() + self._pause(connection),
                cursor=repository.key if continues else repair.cursor,
                cost=price,
                calls=lister.calls,
                done=1,
                same=0 if is_reconcile else len(compared.findings) - len(differences),
            )
            self.step.advance(connection, progress)
        logs.event(
            "repair.compared",
            repair=repair.id,
            kind=repair.kind.value,
            place=repository.key,
            findings=len(differences),
            calls=lister.calls,
        )

    def _save_coverage(
        self, connection: Connection, repository: RepositoryRef, compared: Comparison
    ) -> None:
        """Save the coverage, unless an operator chose some of what the rules want."""
        if self.repair.rule or self.repair.sender:
            return
        routes = [
            route(finding.sync.lane, finding.sync.push.tag)
            for finding in compared.findings
            if finding.drift is not Drift.SAME
        ]
        open_routes = coverage.open_routes(connection, routes)
        measured = measure(compared.findings, open_routes, compared.began_at)
        scope = self.repair.scope or Scope()
        coverage.replace_coverage(connection, repository, measured, scope)

    def _limit(self, compared: Sequence[Finding]) -> list[Finding]:
        """Return the findings to save, with syncs for no more of them than the budget allows."""
        repair = self.repair
        differences = [*compared]
        # Of whole organizations, only what differs is kept tag by tag.
        if repair.kind is RepairKind.RECONCILE or repair.scope is not None:
            differences = [finding for finding in compared if finding.drift is not Drift.SAME]
        if repair.report_only:
            differences = report_only(differences)
        batch, budget = self.gateway.config.options.batch, repair.budget - self.lister.calls
        return limit_to_budget(differences, self.lister.pages, batch=batch, budget=budget)

    def _pause(self, connection: Connection) -> timedelta:
        """Return how long to wait for the next repository, so that a round makes no burst."""
        repair, every = self.repair, self.gateway.config.options.reconcile.every
        total = repair.total or 0
        left = total - repair.done - 1
        is_spread = repair.scheduled and every is not None and total > FEW_REPOSITORIES
        if not is_spread or left < 1 or discovery.has_changed(connection, repair.created_at):
            return timedelta()
        until = repair.created_at + (every or timedelta()) / 2 - self.step.clock.now()
        return min(max(until / left, timedelta()), _LONGEST_PAUSE)

    def _keep(self, observations: Sequence[TagObservation]) -> None:
        """Keep what was seen: in portions, so that nothing waits long for the ledger."""
        for start in range(0, len(observations), _PORTION):
            with self.database.write(durable=False) as connection:
                keep_observations(connection, observations[start : start + _PORTION])

    def _save_overlaps(
        self,
        connection: Connection,
        repository: RepositoryRef,
        overlaps: Sequence[Overlap] | None,
    ) -> None:
        if overlaps is None:
            return
        replace_overlaps(connection, repository, overlaps, self.step.clock.now())
        for overlap in overlaps:
            if overlap.is_contradiction:
                repairs.add_note(connection, self.repair.id, f"{repository.key}: {overlap}")

    def _finish(self, cursor: str) -> None:
        repair = self.repair
        with self.database.write() as connection:
            now, needed = self.step.clock.now(), 0
            stage = repair.after_comparing
            if repair.proposed:
                needed = findings.count_needed(connection, repair.id)
                stage = stage if needed else Stage.DONE
            self.step.advance(connection, Progress(stage, now, cursor, calls=self.lister.calls))
        logs.event("repair.all_compared", repair=repair.id, kind=repair.kind.value)
        if needed and stage is Stage.PLANNED:
            calls, reads = repair.planned_calls, repair.planned_reads
            remedy = f"backfill resume {repair.id}"
            logs.event(
                "backfill.proposed",
                repair=repair.id,
                syncs=needed,
                calls=calls,
                reads=reads,
                remedy=remedy,
            )

    def _end_budget(self, repository: RepositoryRef) -> None:
        if self.repair.is_untouched:
            self._skip(repository, say("max_calls is too small to list it"))
        else:
            self._finish(self.repair.cursor)

    def _skip(self, repository: RepositoryRef, reason: str) -> None:
        cursor, now = repository.key, self.step.clock.now()
        with self.database.write() as connection:
            repairs.add_note(connection, self.repair.id, f"{cursor}: {reason}")
            discovery.mark_visited(connection, repository, now)
            progress = Progress(Stage.COMPARING, now, cursor, calls=self.lister.calls, done=1)
            self.step.advance(connection, progress)
        logs.warning("repair.skipped", repair=self.repair.id, place=cursor, reason=reason)
