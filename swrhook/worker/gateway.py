"""SWR client for one lane run: applies limits, breakers and metrics to every request."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from swrhook.clock import Clock
from swrhook.config.model import Config, Pace
from swrhook.engine import CapacityLimit
from swrhook.errors import CircuitOpen, Kind, SwrError
from swrhook.ledger.lane_queue import Occupancy
from swrhook.ledger.lanes import Flow
from swrhook.metrics import Metrics
from swrhook.model import Lane, Target
from swrhook.swr.error_codes import BUSY, IMPOSSIBLE_REGION
from swrhook.swr.listings import RepositoryPage
from swrhook.swr.protocol import SyncJob
from swrhook.swr.tags import TagPage
from swrhook.syncs.auto_sync import AutoSync
from swrhook.worker.admission import Admission, Slot
from swrhook.worker.circuit_breaker import CircuitBreakers, Operation
from swrhook.worker.ports import Swr
from swrhook.worker.rate_limiter import AdaptiveRateLimiter
from swrhook.worker.target_cache import TargetCache

# Where a read would wait longer for its turn in the region's pace, the run ends.
_LONGEST_WAIT = timedelta(seconds=5)
_NO_CAPACITY_PAUSE = timedelta(seconds=0.5)  # until the lane of a run that ended so is ready again


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A region's limits now: the most requests per second, and the state of its breakers."""

    region: str
    per_second: float
    breakers: Mapping[str, bool]  # by operation: whether it is open


class NoCapacity(Exception):
    """A region has no capacity left: the run has to end, and the lane to run again later.

    `wait` is the time after which it may.
    """

    def __init__(self, limit: CapacityLimit) -> None:
        super().__init__(limit.reason)
        self.wait = limit.retry_in or _NO_CAPACITY_PAUSE


@dataclass(frozen=True, slots=True)
class SwrGateway:
    """SWR, used with one configuration, and the limits and caches that all lane runs share.

    `clock` measures the limits and caches. It never jumps, unlike the ledger's clock.
    """

    config: Config
    swr: Swr
    admission: Admission
    breakers: CircuitBreakers
    target_cache: TargetCache
    metrics: Metrics
    clock: Clock
    sleep: Callable[[float], None] = time.sleep

    def reserve(self, flow: Flow, elsewhere: Occupancy | None = None) -> Slot | CapacityLimit:
        """Return room for a run of a flow, beside what other processes run."""
        slot = self.admission.reserve(flow, self.pace, self.clock.now(), elsewhere)
        if isinstance(slot, CapacityLimit):
            self.count(slot)
        return slot

    def session(self, lane: Lane, slot: Slot) -> "GatewaySession":
        """Return the requests of a run that has room."""
        return GatewaySession(self, lane, slot)

    @property
    def pace(self) -> Pace:
        """Return the limits of every region."""
        return self.config.options.pace

    def count(self, limit: CapacityLimit) -> None:
        """Count that a lane or a request found no room."""
        self.metrics.postponed.labels(limit.region, limit.reason).inc()

    def endpoints(self) -> Sequence[Endpoint]:
        """Return the limits of every configured region."""
        now, per_second = self.clock.now(), self.pace.per_second
        limiter, breakers = self.admission.rate_limiter, self.breakers
        return [
            Endpoint(region, limiter.rate(region, now, per_second), breakers.open(region))
            for region in self.config.swr.regions
        ]


@dataclass(slots=True)
class GatewaySession:
    """The requests of one admitted run, which wait for their turn in the region's pace.

    They raise NoCapacity if their region has none left, CircuitOpen while its circuit breaker is
    open, and SwrError.
    """

    gateway: SwrGateway
    lane: Lane
    slot: Slot

    def show_tag(self, region: str, namespace: str, repository: str, tag: str) -> str | None:
        """Return the tag's digest, None if there is none. Raises TagNotShown, too."""
        with self._reading(region) as swr:
            return swr.show_tag(region, namespace, repository, tag)

    def list_tags(
        self, region: str, namespace: str, repository: str, tags: Collection[str]
    ) -> dict[str, str | None]:
        """Return the digests of those of `tags` that exist; None for one that SWR does not show."""
        with self._reading(region) as swr:
            return swr.list_tags(region, namespace, repository, tags, lambda: self._wait(region))

    def list_images(
        self, region: str, namespace: str, repository: str, tags: Collection[str]
    ) -> dict[str, frozenset[str]]:
        """Return the images of those of `tags` that are multi-arch, as `platform digest`."""
        with self._reading(region) as swr:
            return swr.list_images(region, namespace, repository, tags, lambda: self._wait(region))

    def has_show_tag(self, region: str) -> bool:
        """Return False if the region is known to lack the operation ShowRepoTag."""
        return self.gateway.target_cache.has_show_tag(region, self.gateway.clock.now())

    def record_no_show_tag(self, region: str) -> None:
        """Remember for all runs that the region lacks ShowRepoTag."""
        self.gateway.target_cache.record_no_show_tag(region, self.gateway.clock.now())

    def tag_page(self, region: str, namespace: str, repository: str, offset: int) -> TagPage | None:
        """Return one page of the repository's tags, or None if the repository does not exist."""
        with self._reading(region) as swr:
            return swr.tag_page(region, namespace, repository, offset)

    def auto_syncs(self, region: str, namespace: str, repository: str) -> list[AutoSync]:
        """Return SWR's own rules of automatic synchronization for a repository."""
        with self._reading(region) as swr:
            return swr.auto_syncs(region, namespace, repository)

    def organizations(self, region: str) -> Sequence[str]:
        """Return the names of the organizations that we can see in a region."""
        with self._reading(region) as swr:
            return swr.organizations(region)

    def repository_page(self, region: str, namespace: str, offset: int) -> RepositoryPage:
        """Return one page of an organization's repositories, the last changed first."""
        with self._reading(region) as swr:
            return swr.repository_page(region, namespace, offset, changed_first=True)

    def has_namespace(self, target: Target) -> bool:
        """Return False if the organization is known not to exist or to belong to others."""
        cache, now = self.gateway.target_cache, self.gateway.clock.now()

        def load() -> bool:
            with self._reading(target.region) as swr:
                return swr.has_namespace(target.region, target.namespace)

        with suppress(SwrError):
            return cache.has_namespace(target, now, load)
        return True  # not known to be missing: the call will show

    def is_impossible(self, lane: Lane) -> bool:
        """Return whether the source is known not to synchronize to the target's region."""
        return self.gateway.target_cache.is_possible(lane, self.gateway.clock.now()) is False

    def check_region(self, lane: Lane, error: SwrError | None) -> bool | None:
        """Return whether the source synchronizes to the target's region; None if unknown.

        SWR is asked for its regions only if the call's error may mean an impossible region.
        """
        if error is None or error.code != IMPOSSIBLE_REGION:
            return None
        region, cache, now = lane.source_region, self.gateway.target_cache, self.gateway.clock.now()

        def load() -> AbstractSet[str] | None:
            with self._reading(region) as swr:
                return swr.regions(region)

        with suppress(SwrError, NoCapacity):  # then it stays unknown
            cache.load_regions(region, now, load)
        return cache.is_possible(lane, now)

    def sync_jobs(self, region: str, namespace: str, repository: str) -> list[SyncJob]:
        """Return the source region's latest sync jobs of a repository, newest first."""
        with self._reading(region) as swr:
            return swr.sync_jobs(region, namespace, repository)

    def sync_images(self, lane: Lane, tags: Sequence[str]) -> None:
        """Request the copy of the tags, after `prepare_call` has returned None."""
        region = lane.source_region
        # The call does not wait, since its syncs are claimed. Later reads do instead.
        self._limiter.reserve(region, self.gateway.clock.now(), self.gateway.pace.per_second)
        try:
            with self._request(region, Operation.SYNC_IMAGES):
                self.gateway.swr.sync_images(lane, tags)
        except SwrError as exc:
            # The organization may have been deleted since it was cached.
            if exc.kind in (Kind.NOT_YET, Kind.CONFIGURATION):
                self.gateway.target_cache.forget(lane.target)
            raise

    def prepare_call(self, lane: Lane) -> CircuitOpen | None:
        """Reserve a call of sync_images before syncs are claimed for it; return why not, or None.

        Unlike a read, a call that finds no capacity would leave claimed syncs behind.
        """
        region = lane.source_region
        pause = self._limiter.pause(region, self.gateway.clock.now())
        if pause:
            raise self._no_capacity(CapacityLimit(region, "paused", pause))
        self._switch_region(region)
        return self._acquire_breaker(region, Operation.SYNC_IMAGES)

    @property
    def _limiter(self) -> AdaptiveRateLimiter:
        return self.gateway.admission.rate_limiter

    @contextmanager
    def _reading(self, region: str) -> Iterator[Swr]:
        """Make a block that sends one read request, once the limits allow it."""
        is_source = region == self.lane.source_region
        operation = Operation.LOOK_SOURCE if is_source else Operation.LOOK_TARGET
        self._switch_region(region)
        self._wait(region)
        circuit_open = self._acquire_breaker(region, operation)
        if circuit_open is not None:
            raise circuit_open
        with self._request(region, operation):
            yield self.gateway.swr

    def _switch_region(self, region: str) -> None:
        gateway = self.gateway
        if not gateway.admission.switch_region(
            self.slot, region, gateway.pace, gateway.clock.now()
        ):
            raise self._no_capacity(CapacityLimit(region, "in_flight"))

    def _wait(self, region: str) -> None:
        """Wait for the turn of a request in the region's pace."""
        now, per_second = self.gateway.clock.now(), self.gateway.pace.per_second
        # At a very low rate the turn after the next one is further away: a run that sends two
        # requests to a region would never end.
        interval = timedelta(seconds=1 / self._limiter.rate(region, now, per_second))
        at_most = max(_LONGEST_WAIT, interval)
        wait = self._limiter.reserve(region, now, per_second, at_most=at_most)
        if wait is None:
            pause = self._limiter.pause(region, now)
            delay = self._limiter.delay(region, now, per_second)
            raise self._no_capacity(CapacityLimit(region, "paused" if pause else "pace", delay))
        if wait:
            self.gateway.sleep(wait.total_seconds())

    def _no_capacity(self, limit: CapacityLimit) -> NoCapacity:
        """Count it, and return the error that ends the run."""
        self.gateway.count(limit)
        return NoCapacity(limit)

    def _acquire_breaker(self, region: str, operation: Operation) -> CircuitOpen | None:
        if (region, operation) in self.slot.acquired:
            return None
        circuit_open = self.gateway.breakers.acquire(region, operation, self.gateway.clock.now())
        if circuit_open is None:
            self.slot.acquired.add((region, operation))
        else:
            self.gateway.count(CapacityLimit(region, "breaker"))
        return circuit_open

    @contextmanager
    def _request(self, region: str, operation: Operation) -> Iterator[None]:
        """Record a request's result in the rate limiter, breaker and metrics."""
        began = self.gateway.clock.now()
        try:
            yield
        except SwrError as exc:
            if exc.kind is Kind.THROTTLED or exc.code in BUSY or exc.retry_after:
                now, per_second = self.gateway.clock.now(), self.gateway.pace.per_second
                self._limiter.throttle(region, now, per_second, exc.retry_after)
            self._record(region, operation, began, exc)
            raise
        self._record(region, operation, began, None)

    def _record(
        self, region: str, operation: Operation, began: datetime, error: SwrError | None
    ) -> None:
        now = self.gateway.clock.now()
        self.slot.awaited_region = None
        self.slot.acquired.discard((region, operation))
        self._limiter.answered(region, now, self.gateway.pace.per_second, now - began)
        self.gateway.breakers.record(region, operation, now, error)
        outcome = "ok" if error is None else error.kind.value
        self.gateway.metrics.swr_requests.labels(region, operation, outcome).inc()
