"""SWR as one run of a lane sees it: each request is let through, counted and learnt from."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, TypeVar

from swrhook.clock import Clock
from swrhook.config.model import Config, Pace
from swrhook.errors import CircuitOpen, Kind, SwrError
from swrhook.metrics import Metrics
from swrhook.model import Lane, Target
from swrhook.swr.error_codes import BUSY, IMPOSSIBLE_REGION
from swrhook.swr.protocol import SyncJob, TagPage
from swrhook.worker.admission import Admission, Postponed, Slot, Urgency
from swrhook.worker.circuit_breaker import CircuitBreakers, Operation
from swrhook.worker.ports import Swr
from swrhook.worker.target_cache import TargetCache

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How a region is asked: the requests a second at most, and the open circuit breakers."""

    region: str
    per_second: float
    breakers: Mapping[str, bool]  # by operation: whether it is open


class NoCapacity(Exception):
    """The run has to end here, and the lane to come back."""

    def __init__(self, put_off: Postponed) -> None:
        """Keep when."""
        super().__init__(put_off.reason)
        self.put_off = put_off


@dataclass(frozen=True, slots=True)
class SwrGateway:
    """What this process knows of SWR's endpoints and shares between all runs."""

    swr: Swr
    admission: Admission
    breakers: CircuitBreakers
    preflight: TargetCache
    metrics: Metrics
    clock: Clock  # of what is known here, whatever the ledger goes by

    def session(self, lane: Lane, urgency: Urgency, pace: Pace) -> "GatewaySession | Postponed":
        """Let a run of the lane in, or say when to ask again."""
        entered = self.admission.acquire(lane, urgency, pace, self.clock.now())
        if isinstance(entered, Postponed):
            self.metrics.postponed(entered.region, entered.reason)
            return entered
        return GatewaySession(self, entered)

    def waits(self, lane: Lane, pace: Pace) -> Postponed | None:
        """Say when to ask again, if the lane has no room and there is nothing to look up first."""
        put_off = self.admission.would_wait(lane, pace, self.clock.now())
        if put_off is not None:
            self.metrics.postponed(put_off.region, put_off.reason)
        return put_off

    def endpoints(self, config: Config) -> Sequence[Endpoint]:
        """Tell how each configured region is asked."""
        now, per_second = self.clock.now(), config.options.pace.per_second
        return [
            Endpoint(
                region,
                self.admission.pacer.rate(region, now, per_second),
                self.breakers.open(region),
            )
            for region in config.swr.regions
        ]


@dataclass(slots=True)
class GatewaySession:
    """One run's way to SWR. To be used in a `with`, which ends it.

    Every request raises NoRoom when its region has no room left, and NotAsked while the region is
    left alone.
    """

    traffic: SwrGateway
    stay: Slot
    _asked: set[tuple[str, Operation]] = field(default_factory=set)  # without an answer yet

    def show_tag(self, region: str, namespace: str, repository: str, tag: str) -> str | None:
        """Return the tag's digest, or None when there is no such repository or tag."""
        swr = self.traffic.swr
        return self._look(region, lambda: swr.show_tag(region, namespace, repository, tag))

    def list_tags(
        self, region: str, namespace: str, repository: str, wanted: Collection[str]
    ) -> dict[str, str]:
        """Return the digests of those wanted tags that are there."""
        swr = self.traffic.swr

        def ask() -> dict[str, str]:
            return swr.list_tags(region, namespace, repository, wanted, lambda: self._count(region))

        return self._look(region, ask)

    def tag_page(self, region: str, namespace: str, repository: str, offset: int) -> TagPage | None:
        """Return some of the repository's tags, from this one on, or None when it is not there."""
        swr = self.traffic.swr
        return self._look(region, lambda: swr.tag_page(region, namespace, repository, offset))

    def has_namespace(self, region: str, namespace: str) -> bool:
        """Tell whether the organization is there and ours, as far as is known."""
        swr = self.traffic.swr

        def ask() -> bool:
            return self._look(region, lambda: swr.has_namespace(region, namespace))

        return self.traffic.preflight.has_namespace(
            Target(region, namespace), self.traffic.clock.now(), ask
        )

    def knows_no_region(self, lane: Lane) -> bool:
        """Tell whether the source is remembered not to synchronize to the target's region."""
        return self.traffic.preflight.is_possible(lane, self.traffic.clock.now()) is False

    def is_possible(self, lane: Lane, error: SwrError) -> bool | None:
        """Tell whether the source synchronizes to the target's region, if the error needs that."""
        if error.code != IMPOSSIBLE_REGION:
            return None
        region, swr = lane.source_region, self.traffic.swr
        preflight, now = self.traffic.preflight, self.traffic.clock.now()
        with suppress(SwrError, NoCapacity):  # not known then
            preflight.learn_regions(
                region, now, lambda: self._look(region, lambda: swr.regions(region))
            )
        return preflight.is_possible(lane, now)

    def sync_jobs(self, region: str, namespace: str, repository: str) -> list[SyncJob]:
        """Return the source region's latest jobs for a repository, newest first."""
        swr = self.traffic.swr
        return self._look(region, lambda: swr.sync_jobs(region, namespace, repository))

    def sync_images(self, lane: Lane, tags: Sequence[str]) -> None:
        """Ask the source region to copy the tags; `may_call` has allowed it."""
        try:
            with self._request(lane.source_region, Operation.SYNC_IMAGES):
                self.traffic.swr.sync_images(lane, tags)
        except SwrError as exc:
            if exc.kind in (Kind.NOT_YET, Kind.CONFIGURATION):
                self.traffic.preflight.forget(lane.target)
            raise

    def may_call(self, lane: Lane) -> CircuitOpen | None:
        """Make sure of a call before anything is claimed for it, or say why there is none."""
        now = self.traffic.clock.now()
        pause = self.traffic.admission.pacer.pause(lane.source_region, now)
        if pause:
            self._end(Postponed(now + pause, lane.source_region, "paused"))
        self._go(lane.source_region)
        return self._ask(lane.source_region, Operation.SYNC_IMAGES)

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave, with all that was asked for and not used."""
        for region, operation in self._asked:
            self.traffic.breakers.release(region, operation, self.traffic.clock.now())
        self.traffic.admission.release(self.stay)

    def _look(self, region: str, ask: Callable[[], Answer]) -> Answer:
        at_source = region == self.stay.lane.source_region
        operation = Operation.LOOK_SOURCE if at_source else Operation.LOOK_TARGET
        self._go(region)
        not_asked = self._ask(region, operation)
        if not_asked is not None:
            raise not_asked
        with self._request(region, operation):
            return ask()

    def _go(self, region: str) -> None:
        put_off = self.traffic.admission.switch_region(self.stay, region, self.traffic.clock.now())
        if put_off is not None:
            self._end(put_off)

    def _end(self, put_off: Postponed) -> None:
        self.traffic.metrics.postponed(put_off.region, put_off.reason)
        raise NoCapacity(put_off)

    def _ask(self, region: str, operation: Operation) -> CircuitOpen | None:
        not_asked = self.traffic.breakers.acquire(region, operation, self.traffic.clock.now())
        if not_asked is None:
            self._asked.add((region, operation))
        else:
            self.traffic.metrics.postponed(region, "breaker")
        return not_asked

    @contextmanager
    def _request(self, region: str, operation: Operation) -> Iterator[None]:
        """Count a request, and learn from what it comes to."""
        pacer, pace, clock = self.traffic.admission.pacer, self.stay.pace, self.traffic.clock
        self._count(region)
        try:
            yield
        except SwrError as exc:
            if exc.kind is Kind.THROTTLED or exc.code in BUSY or exc.retry_after:
                pacer.throttle(region, clock.now(), pace.per_second, exc.retry_after)
            self._learn(region, operation, exc)
            raise
        self._learn(region, operation, None)

    def _count(self, region: str) -> None:
        pacer, pace = self.traffic.admission.pacer, self.stay.pace
        pacer.consume(region, self.traffic.clock.now(), pace.per_second)

    def _learn(self, region: str, operation: Operation, error: SwrError | None) -> None:
        self.stay.where = None
        self._asked.discard((region, operation))
        self.traffic.breakers.record(region, operation, self.traffic.clock.now(), error)
        outcome = "ok" if error is None else error.kind.value
        self.traffic.metrics.swr_request(region, operation.value, outcome)
