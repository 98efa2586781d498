"""Lists a repository at its source and targets, page by page, and compares them.

Listing has the lowest urgency: it takes only capacity that no lane uses.
"""

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Protocol, TypeVar
from zlib import crc32

from swrhook.clock import Clock
from swrhook.engine import CapacityLimit
from swrhook.errors import Kind, SwrError
from swrhook.ledger.lanes import Flow
from swrhook.ledger.rows import group
from swrhook.model import Lane, PlannedSync, Target, Urgency
from swrhook.swr.listings import RepositoryPage
from swrhook.swr.tags import TagPage, walk_tags
from swrhook.syncs.auto_sync import AutoSync, Overlap, find_overlaps
from swrhook.syncs.observations import Place, TagObservation
from swrhook.syncs.reconciliation import (
    Drift,
    Finding,
    Repair,
    RepairKind,
    RepositoryRef,
    compare,
)
from swrhook.usecases.manual_syncs import MANUAL, plan_repository
from swrhook.wording.message import join_parts, say
from swrhook.worker.evidence import compare_images
from swrhook.worker.gateway import GatewaySession, NoCapacity, SwrGateway

Answer = TypeVar("Answer")

# A round of more repositories than this is spread, and does without what can wait.
FEW_REPOSITORIES = 100
_DAYS = 8
# The code of the error for a repository that an operator named and the source does not have.
_NO_REPOSITORY = "no_repository"


class BudgetSpent(Exception):
    """The repair may make no more requests."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The digests of a repository's tags in one region, and when its first page was requested.

    `is_whole` tells that a tag that is not in it was not there: no page was shifted by a deletion.
    `exists` tells that there is such a repository, which may be empty. `images` are those of the
    multi-arch tags, as `platform digest`.
    """

    digests: Mapping[str, str | None]
    began_at: datetime
    is_whole: bool
    exists: bool
    images: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Comparison:
    """How the targets of a repository differ from it, and what was seen of the compared tags.

    `overlaps` is where SWR's own rules overlap with ours; None when SWR was not asked, or does not
    say.
    """

    findings: list[Finding]
    began_at: datetime
    observations: Sequence[TagObservation]
    overlaps: Sequence[Overlap] | None


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
    clock: Clock  # the ledger's
    calls: int = 0
    pages: dict[str, int] = field(default_factory=dict)  # by region, of the largest repository

    def list_source(self, repository: RepositoryRef) -> Listing:
        """Return the tags of a repository. Raises BudgetSpent and SwrError."""
        return self._list(repository, Target(repository.region, repository.namespace))

    def list_target(self, repository: RepositoryRef, target: Target) -> Listing | None:
        """Return the tags at a target, None if it cannot be read.

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

    def read_auto_syncs(self, repository: RepositoryRef) -> Sequence[AutoSync] | None:
        """Return SWR's own rules for a repository, None if they cannot be read or afforded."""
        source = (repository.region, repository.namespace, repository.repository)
        lane = Lane(*source, Target(repository.region, repository.namespace), override=False)
        with suppress(BudgetSpent, SwrError):
            return self._ask(lane, lambda session: session.auto_syncs(*source))
        return None

    def find_similar(self, repository: RepositoryRef) -> str | None:
        """Return the source's repository whose name is most like this one's, if there is one."""
        region, namespace = repository.region, repository.namespace
        names: Sequence[str] = ()
        with suppress(BudgetSpent, SwrError):  # only for a hint
            names = self.list_repositories(region, namespace, 0).names
        return next(iter(difflib.get_close_matches(repository.repository, names, n=1)), None)

    def list_organizations(self, region: str) -> Sequence[str]:
        """Return the organizations of a region. Raises BudgetSpent and SwrError."""
        lane = Lane(region, "", "", Target(region, ""), override=False)
        return self._ask(lane, lambda session: session.organizations(region))

    def list_repositories(self, region: str, namespace: str, offset: int) -> RepositoryPage:
        """Return a page of an organization's repositories. Raises BudgetSpent and SwrError."""
        lane = Lane(region, namespace, "", Target(region, namespace), override=False)
        return self._ask(lane, lambda session: session.repository_page(region, namespace, offset))

    def _list(self, repository: RepositoryRef, target: Target) -> Listing:
        source = (repository.region, repository.namespace, repository.repository)
        lane = Lane(*source, target, override=False)  # only for admission, which takes lanes
        region, calls_before, began_at = target.region, self.calls, self.clock.now()
        pages: list[TagPage] = []

        def page_at(offset: int) -> TagPage | None:
            page = self._page(lane, offset)
            pages.extend([page] if page else [])
            return page

        digests: Mapping[str, str | None] = {}
        for digests_so_far in walk_tags(page_at):
            digests = digests_so_far
        self.pages[region] = max(self.calls - calls_before, self.pages.get(region, 0))
        is_on_one_page = not pages or pages[0].count == len(digests)
        is_whole = is_on_one_page or {page.total for page in pages} == {len(digests)}
        images = {tag: shown for page in pages for tag, shown in page.images.items()}
        return Listing(digests, began_at, is_whole, bool(pages), images)

    def _page(self, lane: Lane, offset: int) -> TagPage | None:
        place = (lane.target.region, lane.target.namespace, lane.repository)
        return self._ask(lane, lambda session: session.tag_page(*place, offset))

    def _ask(self, lane: Lane, request: Callable[[GatewaySession], Answer]) -> Answer:
        """Send one request when there is room for it. Raises BudgetSpent and SwrError."""
        if self.calls >= self.budget:
            raise BudgetSpent
        wait = timedelta()
        flow = Flow.of(lane, Urgency.BACKFILL, "")
        while True:
            self.lease.renew(wait)
            slot = self.gateway.reserve(flow)
            if isinstance(slot, CapacityLimit):
                wait = NoCapacity(slot).wait
                continue
            self.calls += 1
            try:
                return request(self.gateway.session(lane, slot))
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
) -> Comparison:
    """Compare a repository with its targets. Raises BudgetSpent and SwrError.

    `copied` are the earlier syncs of the repository that were verified. If an operator named the
    repository and there is none, that is an error too.
    """
    source = lister.list_source(repository)
    if not (source.exists or copied or not repair.repositories):
        raise _no_repository(repository, lister.find_similar(repository))
    config = lister.gateway.config
    planned = plan_repository(repository, source.digests, repair.sender, repair.rule, config)
    if repair.scope is not None:
        selects = repair.scope.selects
        planned = [sync for sync in planned if selects(sync.rule, sync.target.region)]
    # A tag that was synced by hand is needed though no rule says so: it is not drift.
    copied = [sync for sync in copied if sync.rule != MANUAL]
    tags = group((sync.target, sync.push.tag) for sync in (*planned, *copied))
    listings = {target: lister.list_target(repository, target) for target in tags}
    digests = {
        target: None if listing is None else listing.digests for target, listing in listings.items()
    }
    findings = [
        _accept_same_images(finding, source, listings[finding.sync.target])
        for finding in compare(repair.kind, source.digests, planned, copied, digests)
    ]
    at_source = Target(repository.region, repository.namespace)
    seen = _observations(repository, at_source, source, chain.from_iterable(tags.values()), None)
    for target, listing in listings.items():
        if listing is not None:
            seen += _observations(repository, target, listing, tags[target], at_source)
    # A backfill is about tags that were pushed before; a reconcile about what goes on happening.
    is_reconcile = repair.kind is RepairKind.RECONCILE
    asks = is_reconcile and _asks_for_auto_syncs(repair, repository, source.began_at)
    auto_syncs = lister.read_auto_syncs(repository) if asks else None
    overlaps = None if auto_syncs is None else find_overlaps(auto_syncs, planned)
    return Comparison(findings, source.began_at, seen, overlaps)


def _asks_for_auto_syncs(repair: Repair, repository: RepositoryRef, now: datetime) -> bool:
    """Tell whether to ask for SWR's own rules now: of very many repositories, one day in eight."""
    is_of_few = (repair.total or 0) <= FEW_REPOSITORIES
    day = crc32(repository.key.encode()) % _DAYS
    return not repair.is_of_all or is_of_few or day == now.toordinal() % _DAYS


def describe_failure(error: SwrError) -> str:
    """Return why a repository could not be compared."""
    if error.code == _NO_REPOSITORY:
        return error.message
    return join_parts((say("it cannot be listed"), f"{error.message} ({error.code})"))


def _no_repository(repository: RepositoryRef, similar: str | None) -> SwrError:
    hint = () if similar is None else (f"did you mean {repository.namespace}/{similar}?",)
    message = join_parts((say("there is no such repository"), *hint))
    return SwrError(Kind.PERMANENT, _NO_REPOSITORY, message)


def _accept_same_images(finding: Finding, source: Listing, target: Listing | None) -> Finding:
    """Return a finding; an index that SWR wrote anew, with the same images, has not diverged."""
    tag = finding.sync.push.tag
    if finding.drift is not Drift.DIVERGED or target is None:
        return finding
    comparison = compare_images(source.images.get(tag), target.images.get(tag))
    if not comparison.is_same:
        return finding
    return replace(finding, drift=Drift.SAME, needs_sync=False, reason=comparison.summary)


def _observations(
    repository: RepositoryRef,
    at: Target,
    listing: Listing,
    tags: Iterable[str],
    copied_from: Target | None,
) -> list[TagObservation]:
    return [
        TagObservation(
            Place(at.region, at.namespace, repository.repository, tag),
            listing.digests.get(tag),
            listing.began_at,
            source=copied_from,
        )
        for tag in dict.fromkeys(tags)
        if tag in listing.digests or listing.is_whole
    ]
