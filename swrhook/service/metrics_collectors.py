"""Gauges that are read at each scrape, from the ledger and from the worker."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from swrhook.clock import Clock
from swrhook.ledger.database import Database
from swrhook.ledger.optional_read import read_or_none
from swrhook.ledger.queries.expansions import SenderExpansions, count_expansions
from swrhook.ledger.queries.stats import Backlog, DriftCount, read_backlog, read_drift
from swrhook.metrics import Metrics
from swrhook.service.sender_monitor import SenderActivity, SenderStatus
from swrhook.service.snapshot import Aged, Pace, Snapshot
from swrhook.syncs.pauses import Pause
from swrhook.worker.gateway import Endpoint

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class SnapshotCollector(Collector, Generic[T]):
    """Reads a snapshot at each scrape and shows it as gauges.

    `read` returns None when the snapshot cannot be read, such as while the ledger is away; `gauges`
    then leaves out what it does not know. `empty` is the snapshot that names all gauges when the
    collector is registered, so that registering reads nothing.
    """

    read: Callable[[], T | None]
    gauges: Callable[[T | None], Iterator[Metric]]
    empty: T

    def describe(self) -> Iterator[Metric]:
        """Name the gauges without reading."""
        yield from self.gauges(self.empty)

    def collect(self) -> Iterator[Metric]:
        """Read once and return the gauges."""
        yield from self.gauges(self.read())


def register_ledger(
    metrics: Metrics, database: Database, activity: SenderActivity, clock: Clock, pace: Pace
) -> None:
    """Register the gauges of the ledger: backlog, drift, and each sender's last delivery.

    Backlog and drift are as old as `pace` allows, because they take long to count when they are
    large.
    """
    backlog = Snapshot(lambda: read_or_none(database, read_backlog, clock.now()), pace)
    drift = Snapshot(lambda: read_or_none(database, read_drift), pace)
    metrics.register(backlog_collector(backlog.get))
    metrics.register(drift_collector(drift.get))
    metrics.register(expansion_collector(lambda: read_or_none(database, count_expansions)))
    metrics.register(sender_collector(activity.cached))


def backlog_collector(read: Callable[[], Aged[Backlog] | None]) -> Collector:
    """Return the collector of open syncs and their ages."""
    return SnapshotCollector(read, _backlog_gauges, Aged(Backlog((), 0.0, 0.0), 0.0))


def drift_collector(read: Callable[[], Aged[Sequence[DriftCount]] | None]) -> Collector:
    """Return the collector of the drift that reconciles found."""
    return SnapshotCollector[Aged[Sequence[DriftCount]]](read, _drift_gauges, Aged((), 0.0))


def expansion_collector(read: Callable[[], Sequence[SenderExpansions] | None]) -> Collector:
    """Return the collector of large deliveries that are not wholly recorded yet."""
    return SnapshotCollector[Sequence[SenderExpansions]](read, _expansion_gauges, ())


def sender_collector(read: Callable[[], Sequence[SenderStatus] | None]) -> Collector:
    """Return the collector of each sender's last delivery."""
    return SnapshotCollector[Sequence[SenderStatus]](read, _sender_gauges, ())


def endpoint_collector(read: Callable[[], Sequence[Endpoint] | None]) -> Collector:
    """Return the collector of each region's request rate and circuit breakers."""
    return SnapshotCollector[Sequence[Endpoint]](read, _endpoint_gauges, ())


def pause_collector(read: Callable[[], Sequence[Pause] | None]) -> Collector:
    """Return the collector of what is paused."""
    return SnapshotCollector[Sequence[Pause]](read, _pause_gauges, ())


def _pause_gauges(pauses: Sequence[Pause] | None) -> Iterator[Metric]:
    gauge = GaugeMetricFamily(
        "swrhook_paused",
        "1 for each region, rule and sender that is paused.",
        labels=["kind", "name"],
    )
    for pause in pauses or ():
        gauge.add_metric([pause.kind, pause.name], 1)
    yield gauge


def _backlog_gauges(latest: Aged[Backlog] | None) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "swrhook_ledger_readable",
        "1 when the ledger could be read lately, else 0 and its gauges are left out.",
        value=0 if latest is None else 1,
    )
    if latest is None:
        return
    backlog = latest.value
    yield GaugeMetricFamily(
        "swrhook_backlog_age_seconds",
        "Seconds since the open syncs were counted; they are counted more rarely if it takes long.",
        value=latest.age,
    )
    open_syncs = GaugeMetricFamily(
        "swrhook_open_syncs",
        "Syncs that have not ended, by state and target region.",
        labels=["state", "target_region"],
    )
    for row in backlog.open_syncs:
        open_syncs.add_metric([row.state, row.target_region], row.count)
    yield open_syncs
    yield GaugeMetricFamily(
        "swrhook_oldest_pending_sync_seconds",
        "Seconds since the oldest pending sync that is not paused was recorded; 0 without one.",
        value=backlog.oldest_pending,
    )
    yield GaugeMetricFamily(
        "swrhook_most_overdue_sync_seconds",
        "Seconds by which the engine is late for its most overdue sync; 0 when it is not late.",
        value=backlog.most_overdue,
    )


def _drift_gauges(counts: Aged[Sequence[DriftCount]] | None) -> Iterator[Metric]:
    gauge = GaugeMetricFamily(
        "swrhook_drift",
        "Tags that differed from the rules in the latest reconcile of their repository.",
        labels=["target_region", "target_namespace", "drift"],
    )
    for row in counts.value if counts is not None else ():
        gauge.add_metric([row.target_region, row.target_namespace, row.drift], row.count)
    yield gauge


def _expansion_gauges(counts: Sequence[SenderExpansions] | None) -> Iterator[Metric]:
    expanding = GaugeMetricFamily(
        "swrhook_expanding_deliveries",
        "Large deliveries whose pushes are not all recorded yet.",
        labels=["sender"],
    )
    pushes = GaugeMetricFamily(
        "swrhook_expanding_pushes",
        "Pushes of large deliveries that are not recorded yet.",
        labels=["sender"],
    )
    waiting = GaugeMetricFamily(
        "swrhook_deliveries_over_max_open",
        "Large deliveries that wait because their sender has max_open open syncs.",
        labels=["sender"],
    )
    for row in counts or ():
        expanding.add_metric([row.sender], row.deliveries)
        pushes.add_metric([row.sender], row.pushes)
        waiting.add_metric([row.sender], row.over_max_open)
    yield expanding
    yield pushes
    yield waiting


def _sender_gauges(statuses: Sequence[SenderStatus] | None) -> Iterator[Metric]:
    last_delivery = GaugeMetricFamily(
        "swrhook_sender_last_delivery_timestamp_seconds",
        "Unix time of a sender's last delivery; without a line for one that never delivered.",
        labels=["sender"],
    )
    silent = GaugeMetricFamily(
        "swrhook_sender_silent",
        "1 when a sender delivered nothing for longer than its expect_every, else 0.",
        labels=["sender"],
    )
    for status in statuses or ():
        if status.last_delivery_at is not None:
            last_delivery.add_metric([status.sender], status.last_delivery_at.timestamp())
        if status.expect_every is not None:
            silent.add_metric([status.sender], 1 if status.is_silent else 0)
    yield last_delivery
    yield silent


def _endpoint_gauges(endpoints: Sequence[Endpoint] | None) -> Iterator[Metric]:
    pace = GaugeMetricFamily(
        "swrhook_pace_per_second",
        "Requests a second of this process to a region at most; less while SWR throttles.",
        labels=["region"],
    )
    breakers = GaugeMetricFamily(
        "swrhook_breaker_open",
        "1 while the circuit breaker of a region and operation is open, else 0.",
        labels=["region", "operation"],
    )
    for endpoint in endpoints or ():
        pace.add_metric([endpoint.region], endpoint.per_second)
        for operation, is_open in endpoint.breakers.items():
            breakers.add_metric([endpoint.region, operation], 1 if is_open else 0)
    yield pace
    yield breakers
