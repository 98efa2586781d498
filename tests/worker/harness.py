"""Shared by the worker's tests: SWR in memory, a clock, and a runner on a ledger."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from random import Random
from typing import Any

from swrhook.config.model import Access, Config, Options, Region, Swr, TokenCredentials
from swrhook.errors import Kind, SwrError
from swrhook.ledger.database import Database
from swrhook.metrics import Metrics
from swrhook.model import Lane, State, Sync
from swrhook.rules.rulebook import Rulebook
from swrhook.swr.listings import RepositoryPage
from swrhook.swr.protocol import PAGE_SIZE, SyncJob
from swrhook.swr.tags import TagPage
from swrhook.syncs.auto_sync import AutoSync
from swrhook.syncs.discovery import DiscoveredRepository
from swrhook.worker.admission import Admission
from swrhook.worker.circuit_breaker import CircuitBreakers
from swrhook.worker.gateway import SwrGateway
from swrhook.worker.lane_runner import LaneRunner
from swrhook.worker.rate_limiter import AdaptiveRateLimiter
from swrhook.worker.target_cache import TargetCache
from tests.factories import LANE, FakeClock, FakeOutcomes, find, push, run_lane, write
from tests.factories import entry as accepted

REGIONS = ("cn-north-4", "cn-east-3", "ap-southeast-1")
Key = tuple[str, str, str, str]  # region, organization, repository, tag


def config(*regions: str, **options: Any) -> Config:
    swr_regions = {name: Region(name, f"https://{name}", name) for name in regions or REGIONS}
    return Config(
        version="0123456789ab",
        swr=Swr("https://iam", TokenCredentials("a-token"), swr_regions),
        access=Access(),
        senders={},
        rules=Rulebook(),
        options=replace(Options(), **options),
    )


def error(kind: Kind = Kind.TRANSIENT, *failed: str, **more: Any) -> SwrError:
    return SwrError(kind, f"A.{kind}", "what SWR said", failed_tags=frozenset(failed), **more)


class FakeSwr:
    """SWR's regions in memory. A call copies at once if `copies`; every request is recorded."""

    def __init__(self) -> None:
        self.held: dict[Key, str] = {}
        self.calls: list[tuple[Lane, list[str]]] = []
        self.looks: list[tuple[str, str]] = []  # region, tag
        self.lists: list[tuple[str, list[str]]] = []
        self.image_lists: list[tuple[str, list[str]]] = []
        self.images: dict[Key, frozenset[str]] = {}  # of multi-arch tags, as `platform digest`
        self.pages: list[tuple[str, int]] = []  # region, offset
        self.before_page: Callable[[], None] = lambda: None
        self.before_look: Callable[[str], None] = lambda _region: None
        self.answers: list[SwrError | Callable[[], None] | None] = []  # empty: 200
        self.hidden: dict[str, SwrError] = {}  # regions that cannot be read
        self.foreign: set[str] = set()  # regions without our organization
        self.secretive: set[str] = set()  # regions that do not say whose organizations they have
        self.jobs: list[SyncJob] = []
        self.job_lists: list[str] = []  # repositories whose jobs were requested
        self.questions: list[str] = []  # requests for regions and organizations
        self.listed_regions: frozenset[str] | None = None
        self.rules: list[AutoSync] | SwrError = []  # SWR's own, of every repository
        self.rule_lists: list[str] = []  # repositories whose rules were requested
        self.copies = True
        self.updated: dict[str, datetime] = {}  # by repository
        self.refused: dict[str, SwrError] = {}  # region/organization, or region/ for their list

    def show_tag(self, region: str, namespace: str, repository: str, tag: str) -> str | None:
        self.looks.append((region, tag))
        self.before_look(region)
        if region in self.hidden:
            raise self.hidden[region]
        return self.held.get((region, namespace, repository, tag))

    def list_tags(
        self,
        region: str,
        namespace: str,
        repository: str,
        tags: Collection[str],
        on_page: Callable[[], None],
    ) -> dict[str, str | None]:
        self.lists.append((region, list(tags)))
        self.before_look(region)
        for _ in range(PAGE_SIZE, len(tags), PAGE_SIZE):
            on_page()
        if region in self.hidden:
            raise self.hidden[region]
        return {
            tag: digest
            for tag in tags
            if (digest := self.held.get((region, namespace, repository, tag)))
        }

    def list_images(
        self,
        region: str,
        namespace: str,
        repository: str,
        tags: Collection[str],
        on_page: Callable[[], None],
    ) -> dict[str, frozenset[str]]:
        del on_page
        self.image_lists.append((region, list(tags)))
        keys = {tag: (region, namespace, repository, tag) for tag in tags}
        return {tag: self.images[key] for tag, key in keys.items() if key in self.images}

    def tag_page(self, region: str, namespace: str, repository: str, offset: int) -> TagPage | None:
        self.pages.append((region, offset))
        self.before_page()
        if region in self.hidden:
            raise self.hidden[region]
        repository_key = (region, namespace, repository)
        tags: dict[str, str | None] = {
            key[3]: digest or None  # empty: SWR does not show it
            for key, digest in self.held.items()
            if key[:3] == repository_key
        }
        page = dict(sorted(tags.items(), key=lambda item: item[0])[offset : offset + PAGE_SIZE])
        keys = {tag: (*repository_key, tag) for tag in page}
        images = {tag: self.images[key] for tag, key in keys.items() if key in self.images}
        return TagPage(page, len(page), len(tags), images) if tags else None

    def organizations(self, region: str) -> list[str]:
        self.questions.append(f"{region}/")
        self._refuse(f"{region}/")
        return sorted({key[1] for key in self.held if key[0] == region})

    def repository_page(
        self, region: str, namespace: str, offset: int, *, changed_first: bool
    ) -> RepositoryPage:
        assert changed_first
        self.questions.append(f"{region}/{namespace}/")
        self._refuse(f"{region}/{namespace}")
        tags: dict[str, list[str]] = {}
        for key in self.held:
            if key[:2] == (region, namespace):
                tags.setdefault(key[2], []).append(key[3])
        listed = [
            DiscoveredRepository(name, names, len(names), self.updated.get(name))
            for name, names in sorted(tags.items())
        ]
        page = listed[offset : offset + PAGE_SIZE]
        return RepositoryPage(page, len(page), len(listed))

    def _refuse(self, place: str) -> None:
        if place in self.refused:
            raise self.refused[place]

    def regions(self, region: str) -> frozenset[str] | None:
        self.questions.append(region)
        return self.listed_regions

    def has_namespace(self, region: str, namespace: str) -> bool:
        self.questions.append(f"{region}/{namespace}")
        if region in self.secretive:
            raise error(Kind.CONFIGURATION)
        return region not in self.foreign

    def sync_jobs(self, region: str, namespace: str, repository: str) -> list[SyncJob]:
        self.job_lists.append(f"{region}/{namespace}/{repository}")
        return self.jobs

    def auto_syncs(self, region: str, namespace: str, repository: str) -> list[AutoSync]:
        self.rule_lists.append(f"{region}/{namespace}/{repository}")
        if isinstance(self.rules, SwrError):
            raise self.rules
        return self.rules

    def sync_images(self, lane: Lane, tags: Sequence[str]) -> None:
        self.calls.append((lane, list(tags)))
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, SwrError):
            raise answer
        if answer is not None:
            answer()
        if self.copies:
            for tag in tags:
                self.copy(lane, tag)

    def copy(self, lane: Lane, tag: str) -> None:
        source = (lane.source_region, lane.namespace, lane.repository, tag)
        target = (lane.target.region, lane.target.namespace, lane.repository, tag)
        if source in self.held and (lane.override or target not in self.held):
            self.held[target] = self.held[source]

    def put(self, tag: str, digest: str, lane: Lane = LANE) -> None:
        """Put a tag into the source region."""
        self.held[lane.source_region, lane.namespace, lane.repository, tag] = digest

    def put_at_target(self, tag: str, digest: str, lane: Lane = LANE) -> None:
        self.held[lane.target.region, lane.target.namespace, lane.repository, tag] = digest

    @property
    def requests(self) -> int:
        """Return the number of requests of all kinds."""
        reads = (self.looks, self.lists, self.pages, self.questions, self.job_lists)
        return sum(len(kind) for kind in (*reads, self.rule_lists, self.calls))

    @property
    def tags_called(self) -> list[list[str]]:
        return [sorted(tags) for _, tags in self.calls]


@dataclass
class WorkerHarness:
    """A ledger, SWR, a clock, and the runner under test."""

    database: Database
    swr: FakeSwr = field(default_factory=FakeSwr)
    clock: FakeClock = field(default_factory=FakeClock)
    config: Config = field(default_factory=config)
    workers: int = 20
    metrics: Metrics = field(default_factory=Metrics)
    breakers: CircuitBreakers = field(default_factory=CircuitBreakers)
    target_cache: TargetCache = field(default_factory=TargetCache)
    outcomes: FakeOutcomes = field(default_factory=FakeOutcomes)

    def __post_init__(self) -> None:
        self.admission = Admission(AdaptiveRateLimiter(), self.breakers, self.workers)

    @property
    def runner(self) -> LaneRunner:
        """Return a new runner on the same ledger, as a new process would have."""
        return LaneRunner(
            self.database,
            SwrGateway(
                self.config,
                self.swr,
                self.admission,
                self.breakers,
                self.target_cache,
                self.metrics,
                self.clock,
                self.clock.advance,
            ),
            self.outcomes,
            self.clock,
            Random(0),  # the same random numbers each time
        )

    def push(self, *tags: str, digest: str | None = None, override: bool = False) -> list[Sync]:
        """Record a delivery of these tags; return its syncs."""
        pushes = [push(tag, digest) for tag in tags]
        recorded = write(self.database, accepted(*pushes, at=self.clock.time, override=override))
        return [find(self.database, ref.id) for ref in recorded.receipts[0].syncs]

    def run(self, lane: Lane = LANE) -> datetime | None:
        """Run the lane once if its regions have room; return when it is due again."""
        return run_lane(self.database, self.runner, lane, self.clock.time)

    def run_until_quiet(self, lane: Lane = LANE, most: int = 200) -> None:
        """Run the lane each time it is due, until nothing is due any more."""
        due_at: datetime | None = self.clock.time
        while due_at is not None and most:
            self.clock.time = max(self.clock.time, due_at)
            due_at = self.run(lane)
            most -= 1
        assert due_at is None

    def state(self, sync: Sync) -> State:
        return find(self.database, sync.id).state

    def states(self, syncs: Sequence[Sync]) -> list[State]:
        return [self.state(sync) for sync in syncs]
