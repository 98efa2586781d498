"""Listing a repository at its source and at its targets, page by page, behind all other work."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from swrhook.config.model import Config
from swrhook.errors import Kind, SwrError
from swrhook.model import Lane, PlannedSync, Target
from swrhook.swr.protocol import TagPage, walk_tags
from swrhook.syncs.reconciliation import Finding, Repair, RepositoryRef, TagDigests, compare
from swrhook.usecases.manual_syncs import MANUAL, plan_repository
from swrhook.worker.admission import Postponed, Urgency
from swrhook.worker.gateway import NoCapacity, SwrGateway


class BudgetSpent(Exception):
    """The repair may make no more calls."""


@dataclass(slots=True)
class RepositoryLister:
    """Lists repositories for one repair, and counts.

    `hold` is called before each request, with how long to wait; it raises to end the step.
    """

    traffic: SwrGateway
    config: Config
    budget: float
    hold: Callable[[timedelta], None]
    calls: int = 0
    pages: dict[str, int] = field(default_factory=dict)  # by region

    def at_source(self, place: RepositoryRef) -> Mapping[str, str]:
        """Return the digests of a repository's tags. Raises Spent and SwrError."""
        here = Target(place.region, place.namespace)
        return self._list(Lane(place.region, place.namespace, place.repository, here, False))  # noqa: FBT003  # a lane's column

    def at_target(self, place: RepositoryRef, target: Target) -> TagDigests:
        """Return the digests there, None when it cannot be read. Raises Spent and SwrError."""
        if target.region not in self.config.swr.regions:
            return None
        lane = Lane(place.region, place.namespace, place.repository, target, override=False)
        try:
            return self._list(lane)
        except SwrError as exc:
            if exc.kind is Kind.CONFIGURATION:
                return None
            raise

    def _list(self, lane: Lane) -> Mapping[str, str]:
        region, pages = lane.target.region, 0

        def page_at(offset: int) -> TagPage | None:
            nonlocal pages
            pages += 1
            return self._page(lane, offset)

        digests: Mapping[str, str] = {}
        for known in walk_tags(page_at):
            digests = known
        self.pages[region] = max(pages, self.pages.get(region, 0))
        return digests

    def _page(self, lane: Lane, offset: int) -> TagPage | None:
        if self.calls >= self.budget:
            raise BudgetSpent
        self.hold(timedelta())
        while True:
            entered = self.traffic.session(lane, Urgency.BACKFILL, self.config.options.pace)
            if isinstance(entered, Postponed):
                self.hold(entered.until - self.traffic.clock.now())
                continue
            try:
                with entered as visit:
                    return self._ask(visit.tag_page, lane, offset)
            except NoCapacity as exc:
                self.hold(exc.put_off.until - self.traffic.clock.now())

    def _ask(
        self, tag_page: Callable[[str, str, str, int], TagPage | None], lane: Lane, offset: int
    ) -> TagPage | None:
        target = lane.target
        try:
            page = tag_page(target.region, target.namespace, lane.repository, offset)
        except NoCapacity:
            raise
        except SwrError:
            self.calls += 1
            raise
        self.calls += 1
        return page


def compare_repository(
    lister: RepositoryLister, repair: Repair, place: RepositoryRef, copied: Sequence[PlannedSync]
) -> list[Finding]:
    """Return what differs in a repository. Raises Spent and SwrError."""
    here = lister.at_source(place)
    wanted = plan_repository(place, here, repair.sender, repair.rule, lister.config)
    copied = [sync for sync in copied if sync.rule != MANUAL]  # a person wanted it, no rule
    targets = dict.fromkeys(sync.target for sync in (*wanted, *copied))
    there = {target: lister.at_target(place, target) for target in targets}
    return compare(repair.kind, here, wanted, copied, there)
