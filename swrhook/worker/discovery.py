"""Lists the organizations and repositories that the rules can reach, a request in each step.

The cursor of the repair says where the next step begins:

- `organizations/REGION`: the organizations of the regions up to this one are known;
- `list`: the next organization's repositories are to be listed, that was listed longest ago;
- `list/…`: the list of an organization goes on;
- `prune`: what is gone is to be forgotten;
- `lanes/KEY`: of the repositories that syncs name, those up to this lane are known.
"""

import math
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from sqlalchemy import Connection

from swrhook import logs
from swrhook.errors import Kind, SwrError
from swrhook.ledger import coverage, discovery, repairs
from swrhook.rules.glob import Glob
from swrhook.rules.namespaces import Namespaces
from swrhook.swr.listings import RepositoryPage
from swrhook.swr_names import is_namespace
from swrhook.syncs.coverage import count_unknown
from swrhook.syncs.discovery import DiscoveredRepository, OrganizationRef
from swrhook.syncs.reconciliation import Progress, Repair, RepositoryRef, Stage
from swrhook.usecases.manual_syncs import plan_repository
from swrhook.usecases.rule_scope import Reach, reach, source_regions
from swrhook.wording.message import join_parts, say
from swrhook.worker.gateway import SwrGateway
from swrhook.worker.repair_step import RepairStep
from swrhook.worker.repository_diff import BudgetSpent, RepositoryLister
from swrhook.worker.repository_list import RepositoryList

# Discovery may spend this share of a repair's calls; the rest is for comparing.
_SHARE = 0.25
_MOST_FORGOTTEN = 20  # repositories in one transaction

_REGION_RIGHT = say("give the IAM user the right swr:namespace:listNamespaces in this region")
_ORGANIZATION_RIGHT = say("give the IAM user the right swr:repo:listRepos for this organization")


@dataclass(frozen=True, slots=True)
class _Organizations:
    """The organizations of a region in scope; `is_listed`: SWR was asked for them."""

    names: AbstractSet[str]
    problem: str | None
    is_listed: bool


@dataclass(slots=True)
class Discovery:
    """Carries out one step of the stage `discovering`."""

    step: RepairStep
    gateway: SwrGateway
    lister: RepositoryLister = field(init=False)

    def __post_init__(self) -> None:
        repair = self.step.repair
        share = math.inf
        if repair.max_calls is not None:
            share = max(math.ceil(repair.max_calls * _SHARE), 1) - repair.calls
        self.lister = RepositoryLister(
            self.gateway, min(share, repair.budget), self.step, self.step.clock
        )

    @property
    def repair(self) -> Repair:
        """Return the repair."""
        return self.step.repair

    def run(self) -> None:
        """Make the next request, keep what it lists, and move the cursor. Raises StepLost."""
        phase, _, rest = self.repair.cursor.partition("/")
        try:
            match phase:
                case "" | "organizations":
                    self._find_organizations(rest)
                case "list":
                    self._list_repositories(rest)
                case "prune":
                    self._forget_what_is_gone()
                case _:
                    self._keep_synced_repositories(rest)
        except BudgetSpent:
            self._end_lists(is_complete=False)

    def _find_organizations(self, after: str) -> None:
        """Keep the organizations of the next region that the rules reach and are in scope."""
        region = self._next_region(after)
        if region is None:
            with self.step.database.write() as connection:
                self.step.advance(connection, self._progress("list"))
            return
        reached = reach(self.gateway.config, region)
        try:
            organizations = self._read_organizations(region, reached)
        except SwrError as exc:
            if self.step.postpone(exc, self.lister.calls):
                return
            organizations = self._recall_organizations(region, reached, exc)
        now = self.step.clock.now()
        with self.step.database.write() as connection:
            discovery.keep_organizations(connection, region, organizations.names, now)
            if organizations.is_listed:
                ref = OrganizationRef(region, "")
                discovery.note_problem(connection, ref, organizations.problem, now)
            if organizations.problem is not None:
                note = f"{region}: {organizations.problem}"
                repairs.add_note(connection, self.repair.id, note)
            self.step.advance(connection, self._progress(f"organizations/{region}"))

    def _next_region(self, after: str) -> str | None:
        scope = self.repair.scope
        only = None if scope is None else scope.region
        regions = source_regions(self.gateway.config)
        return next((name for name in regions if name > after and only in (None, name)), None)

    def _read_organizations(self, region: str, reached: Reach) -> "_Organizations":
        """Return the organizations, and ask SWR for them only if the rules do not name them."""
        scope = self.repair.scope
        patterns = None if scope is None else scope.namespaces
        if patterns is not None and all(map(is_namespace, patterns)):
            names = frozenset(reached.select(patterns))
            others = sorted({*patterns} - names)
            problem = f"no rule selects images of {', '.join(others)}" if others else None
            return _Organizations(names, problem, is_listed=False)
        names = frozenset(reached.namespaces)
        if not reached.is_complete:
            names |= {*reached.select(self.lister.list_organizations(region))}
        if patterns is not None:
            selected = Namespaces(tuple(Glob(pattern) for pattern in patterns))
            names = frozenset(name for name in names if name in selected)
        return _Organizations(names, None, is_listed=not reached.is_complete)

    def _recall_organizations(
        self, region: str, reached: Reach, error: SwrError
    ) -> "_Organizations":
        """Return the organizations that were known before, as they cannot be listed now."""
        problem = _describe(error, say("the organizations cannot be listed"), _REGION_RIGHT)
        with self.step.database.read() as connection:
            names = reached.select(discovery.known_organizations(connection, region))
        return _Organizations({*reached.namespaces, *names}, problem, is_listed=True)

    def _list_repositories(self, rest: str) -> None:
        """Keep the next page of an organization's repositories."""
        if rest:
            listing = RepositoryList.from_cursor(rest)
        else:
            ref = self._next_organization()
            if ref is None:
                self._end_lists(is_complete=True)
                return
            listing = RepositoryList(ref, self.step.clock.now())
        ref = listing.ref
        try:
            page = self.lister.list_repositories(ref.region, ref.namespace, listing.offset)
        except SwrError as exc:
            if not self.step.postpone(exc, self.lister.calls):
                self._note_refusal(ref, exc)
            return
        self._keep_page(listing, page)

    def _next_organization(self) -> OrganizationRef | None:
        scope = self.repair.scope
        with self.step.database.read() as connection:
            refs = discovery.organizations_to_list(connection, self.repair.created_at)
            if scope is not None:
                names = {*discovery.organizations_in_scope(connection, scope)}
                refs = [ref for ref in refs if ref.namespace in names]
        return next(iter(refs), None)

    def _note_refusal(self, ref: OrganizationRef, error: SwrError) -> None:
        problem = _describe(error, say("its repositories cannot be listed"), _ORGANIZATION_RIGHT)
        place = f"{ref.region}/{ref.namespace}"
        with self.step.database.write() as connection:
            discovery.note_problem(connection, ref, problem, self.step.clock.now())
            repairs.add_note(connection, self.repair.id, f"{place}: {problem}")
            self.step.advance(connection, self._progress("list"))
        logs.warning("discovery.refused", repair=self.repair.id, place=place, reason=problem)

    def _keep_page(self, listing: RepositoryList, page: RepositoryPage) -> None:
        ref, began_at = listing.ref, listing.began_at
        after = listing.after(page)
        with self.step.database.write() as connection:
            seen = discovery.count_listed(connection, ref, page.names, began_at)
            discovery.keep_repositories(connection, ref, page.repositories, began_at)
            self._count_unknown(connection, ref, page.repositories)
            # A server that does not page repeats its only page.
            is_repeated = bool(page.names) and seen == len(page.names)
            if page.is_last or is_repeated or after.offset == page.total:
                discovery.end_list(connection, ref, after.offset, began_at, is_whole=after.is_whole)
                cursor = "list"
            else:
                cursor = after.cursor
            self.step.advance(connection, self._progress(cursor))

    def _count_unknown(
        self,
        connection: Connection,
        ref: OrganizationRef,
        listed: Sequence[DiscoveredRepository],
    ) -> None:
        """Count what the rules want of repositories whose targets were never looked at."""
        names = [repository.name for repository in listed]
        counted = coverage.has_coverage(connection, ref, names)
        coverages = {}
        for repository in listed:
            if repository.name not in counted:
                key = RepositoryRef(ref.region, ref.namespace, repository.name)
                tags = dict.fromkeys(repository.tags)
                planned = plan_repository(key, tags, None, None, self.gateway.config)
                coverages[key] = count_unknown(planned, self.step.clock.now())
        coverage.add_unknown(connection, coverages)

    def _end_lists(self, *, is_complete: bool) -> None:
        """Go on with what follows the lists. Unless they are complete, nothing counts as gone."""
        with self.step.database.write() as connection:
            if not is_complete:
                note = say("max_calls leaves other organizations to the next pass")
                repairs.add_note(connection, self.repair.id, note)
            if self.repair.is_of_all:
                cursor = "prune" if is_complete else "lanes/"
                self.step.advance(connection, self._progress(cursor))
            else:
                self._end(connection)

    def _forget_what_is_gone(self) -> None:
        since, now = self.repair.created_at, self.step.clock.now()
        with self.step.database.write() as connection:
            gone = discovery.gone_repositories(connection, since, _MOST_FORGOTTEN)
            for ref in gone:
                coverage.forget_coverage(connection, ref, now)
            discovery.forget_repositories(connection, gone)
            if not gone:
                discovery.forget_organizations(connection, since)
                coverage.forget_empty_sums(connection)
            self.step.advance(connection, self._progress("prune" if gone else "lanes/"))

    def _keep_synced_repositories(self, after: str) -> None:
        now = self.step.clock.now()
        with self.step.database.write() as connection:
            last = discovery.keep_synced_repositories(connection, after, now)
            if last is None:
                self._end(connection)
            else:
                self.step.advance(connection, self._progress(f"lanes/{last}"))

    def _end(self, connection: Connection) -> None:
        total = repairs.count_repositories(connection, self.repair.scope)
        now, calls = self.step.clock.now(), self.lister.calls
        progress = Progress(Stage.COMPARING, now, cursor="", calls=calls, total=total)
        self.step.advance(connection, progress)
        logs.event(
            "discovery.done", repair=self.repair.id, repositories=total, calls=self.repair.calls
        )

    def _progress(self, cursor: str) -> Progress:
        now, calls = self.step.clock.now(), self.lister.calls
        return Progress(Stage.DISCOVERING, now, cursor, calls=calls)


def _describe(error: SwrError, what: str, right: str) -> str:
    """Return what could not be listed and why, and the right that is missing, if it is one."""
    remedy = (right,) if error.kind is Kind.CONFIGURATION else ()
    return join_parts((what, f"{error.message} ({error.code})", *remedy))
