"""SWR client for one lane run: applies limits, breakers and metrics to every request."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Self

from swrhook.clock import Clock
from swrhook.config.model import Config
from swrhook.errors import CircuitOpen, Kind, SwrError
from swrhook.metrics import Metrics
from swrhook.model import Lane, Target
from swrhook.swr.error_codes import BUSY, IMPOSSIBLE_REGION
from swrhook.swr.protocol import SyncJob, TagPage
from swrhook.worker.admission import Admission, Postponed, Slot, Urgency
from swrhook.worker.circuit_breaker import CircuitBreakers, Operation
from swrhook.worker.ports import Swr
from swrhook.worker.target_cache import TargetCache


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A region's limits now: the most requests per second, and the state of its breakers."""

    region: str
    per_second: float
    breakers: Mapping[str, bool]  # by operation: whether it is open


class NoCapacity(Exception):
    """A region has no capacity left: the run has to end, and the lane to run again later."""

    def __init__(self, postponed: Postponed) -> None:
        super().__init__(postponed.reason)
        self.postponed = postponed


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

    def session(self, lane: Lane, urgency: Urgency) -> "GatewaySession":
        """Admit a run of the lane. Raises NoCapacity."""
        slot = self.admission.acquire(lane, urgency, self.config.options.pace, self.clock.now())
        if isinstance(slot, Postponed):
            raise self.no_capacity(slot)
        return GatewaySession(self, slot)

    def would_wait(self, lane: Lane) -> Postponed | None:
        """Return when to try again if the lane would surely not be admitted, else None."""
        postponed = self.admission.would_wait(lane, self.config.options.pace, self.clock.now())
        if postponed is not None:
            self.metrics.postponed.labels(postponed.region, postponed.reason).inc()
        return postponed

    def no_capacity(self, postponed: Postponed) -> NoCapacity:
        """Count a postponement, and return the error that ends the run."""
        self.metrics.postponed.labels(postponed.region, postponed.reason).inc()
        return NoCapacity(postponed)

    def endpoints(self) -> Sequence[Endpoint]:
        """Return the limits of every configured region."""
        now, per_second = self.clock.now(), self.config.options.pace.per_second
        limiter, breakers = self.admission.rate_limiter, self.breakers
        return [
            Endpoint(region, limiter.rate(region, now, per_second), breakers.open(region))
            for region in self.config.swr.regions
        ]


@dataclass(slots=True)
class GatewaySession:
    """The requests of one admitted run. Use it in a `with` block, which ends the run.

    Requests raise NoCapacity if their region has no capacity left, CircuitOpen while the region's
    circuit breaker is open, and SwrError.
    """

    gateway: SwrGateway
    slot: Slot
    _acquired: set[tuple[str, Operation]] = field(default_factory=set)  # breakers, without a result

    def show_tag(self, region: str, namespace: str, repository: str, tag: str) -> str | None:
        """Return the tag's digest, or None if there is no such repository or tag."""
        with self._reading(region) as swr:
            return swr.show_tag(region, namespace, repository, tag)

    def list_tags(
        self, region: str, namespace: str, repository: str, tags: Collection[str]
    ) -> dict[str, str]:
        """Return the digests of those of `tags` that exist."""
        with self._reading(region) as swr:
            return swr.list_tags(region, namespace, repository, tags, lambda: self._count(region))

    def tag_page(self, region: str, namespace: str, repository: str, offset: int) -> TagPage | None:
        """Return one page of the repository's tags, or None if the repository does not exist."""
        with self._reading(region) as swr:
            return swr.tag_page(region, namespace, repository, offset)

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
        try:
            with self._request(lane.source_region, Operation.SYNC_IMAGES):
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
        now = self.gateway.clock.now()
        pause = self.gateway.admission.rate_limiter.pause(lane.source_region, now)
        if pause:
            raise self.gateway.no_capacity(Postponed(now + pause, lane.source_region, "paused"))
        self._switch_region(lane.source_region)
        return self._acquire_breaker(lane.source_region, Operation.SYNC_IMAGES)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        """Release the slot, and the breakers that were acquired for requests never made."""
        for region, operation in self._acquired:
            self.gateway.breakers.release(region, operation, self.gateway.clock.now())
        self.gateway.admission.release(self.slot)

    @contextmanager
    def _reading(self, region: str) -> Iterator[Swr]:
        """Make a block that sends one read request, once the limits allow it."""
        is_source = region == self.slot.lane.source_region
        operation = Operation.LOOK_SOURCE if is_source else Operation.LOOK_TARGET
        self._switch_region(region)
        circuit_open = self._acquire_breaker(region, operation)
        if circuit_open is not None:
            raise circuit_open
        with self._request(region, operation):
            yield self.gateway.swr

    def _switch_region(self, region: str) -> None:
        now = self.gateway.clock.now()
        postponed = self.gateway.admission.switch_region(self.slot, region, now)
        if postponed is not None:
            raise self.gateway.no_capacity(postponed)

    def _acquire_breaker(self, region: str, operation: Operation) -> CircuitOpen | None:
        circuit_open = self.gateway.breakers.acquire(region, operation, self.gateway.clock.now())
        if circuit_open is None:
            self._acquired.add((region, operation))
        else:
            self.gateway.metrics.postponed.labels(region, "breaker").inc()
        return circuit_open

    @contextmanager
    def _request(self, region: str, operation: Operation) -> Iterator[None]:
        """Count a request, and record its result in the rate limiter, breaker and metrics."""
        limiter, clock = self.gateway.admission.rate_limiter, self.gateway.clock
        self._count(region)
        try:
            yield
        except SwrError as exc:
            if exc.kind is Kind.THROTTLED or exc.code in BUSY or exc.retry_after:
                per_second = self.slot.pace.per_second
                limiter.throttle(region, clock.now(), per_second, exc.retry_after)
            self._record(region, operation, exc)
            raise
        self._record(region, operation, None)

    def _count(self, region: str) -> None:
        limiter, per_second = self.gateway.admission.rate_limiter, self.slot.pace.per_second
        limiter.consume(region, self.gateway.clock.now(), per_second)

    def _record(self, region: str, operation: Operation, error: SwrError | None) -> None:
        self.slot.awaited_region = None
        self._acquired.discard((region, operation))
        self.gateway.breakers.record(region, operation, self.gateway.clock.now(), error)
        outcome = "ok" if error is None else error.kind.value
        self.gateway.metrics.swr_requests.labels(region, operation, outcome).inc()
