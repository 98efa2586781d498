"""Lists a repository at its source and targets, page by page, and compares them.

Listing has the lowest urgency: it takes only capacity that no lane uses.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Protocol

from swrhook.engine import NoRoom
from swrhook.errors import Kind, SwrError
from swrhook.ledger.lanes import Flow
from swrhook.model import Lane, PlannedSync, Target, Urgency
from swrhook.swr.protocol import TagPage, walk_tags
from swrhook.syncs.reconciliation import Finding, Repair, RepositoryRef, TagDigests, compare
from swrhook.usecases.manual_syncs import MANUAL, plan_repository
from swrhook.worker.gateway import NoCapacity, SwrGateway


class BudgetSpent(Exception):
    """The repair may make no more requests."""


class StepLease(Protocol):
    """The worker's claim on the step of the repair that it carries out."""

    def renew(self, wait: timedelta) -> None:
        """Wait, then renew the claim. Raises if the claim is lost or the process stops."""
        ...


@dataclass(slots=True)
class RepositoryLister:
    """Lists repositories for one step of a repair, and counts the requests.

    `lease` is renewed before each request, since listing a large repository takes long.
    """

    gateway: SwrGateway
    budget: float
    lease: StepLease
    calls: int = 0
    pages: dict[str, int] = field(default_factory=dict)  # by region, of the largest repository

    def list_source(self, repository: RepositoryRef) -> Mapping[str, str]:
        """Return the digests of a repository's tags. Raises BudgetSpent and SwrError."""
        return self._list(repository, Target(repository.region, repository.namespace))

    def list_target(self, repository: RepositoryRef, target: Target) -> TagDigests:
        """Return the digests at a target, None if it cannot be read.

        Raises BudgetSpent and SwrError.
        """
        if target.region not in self.gateway.config.swr.regions:
            return None
        try:
            return self._list(repository, target)
        except SwrError as exc:
            if exc.kind is Kind.CONFIGURATION:
                return None
            raise

    def _list(self, repository: RepositoryRef, target: Target) -> Mapping[str, str]:
        source = (repository.region, repository.namespace, repository.repository)
        lane = Lane(*source, target, override=False)  # only for admission, which takes lanes
        region, calls_before = target.region, self.calls
        digests: Mapping[str, str] = {}
        for digests_so_far in walk_tags(partial(self._page, lane)):
            digests = digests_so_far
        self.pages[region] = max(self.calls - calls_before, self.pages.get(region, 0))
        return digests

    def _page(self, lane: Lane, offset: int) -> TagPage | None:
        if self.calls >= self.budget:
            raise BudgetSpent
        target, wait = lane.target, timedelta()
        flow = Flow.of(lane, Urgency.BACKFILL, "")
        while True:
            self.lease.renew(wait)
            slot = self.gateway.reserve(flow)
            if isinstance(slot, NoRoom):
                wait = NoCapacity(slot).wait
                continue
            self.calls += 1
            try:
                session = self.gateway.session(lane, slot)
                return session.tag_page(target.region, target.namespace, lane.repository, offset)
            except NoCapacity as exc:
                self.calls -= 1  # no request was made
                wait = exc.wait
            finally:
                slot.release()


def compare_repository(
    lister: RepositoryLister,
    repair: Repair,
    repository: RepositoryRef,
    copied: Sequence[PlannedSync],
) -> list[Finding]:
    """Return how the targets of a repository differ from it. Raises BudgetSpent and SwrError.

    `copied` are the earlier syncs of the repository that were verified.
    """
    source = lister.list_source(repository)
    planned = plan_repository(repository, source, repair.sender, repair.rule, lister.gateway.config)
    # A tag that was synced by hand is needed though no rule says so: it is not drift.
    copied = [sync for sync in copied if sync.rule != MANUAL]
    targets = dict.fromkeys(sync.target for sync in (*planned, *copied))
    digests = {target: lister.list_target(repository, target) for target in targets}
    return compare(repair.kind, source, planned, copied, digests)
