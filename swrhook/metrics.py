"""What /metrics shows. Labels are bounded: names from the configuration and words of ours."""

import platform
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    Metric,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from swrhook import __version__
from swrhook.model import Outcome, State, Sync

# The folder of the counters of several processes: prometheus_client's own setting.
SHARED = "PROMETHEUS_MULTIPROC_DIR"
_SECONDS = (0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 7200)


@dataclass(frozen=True, slots=True)
class OpenSyncs:
    """How many syncs of one state are open towards one region."""

    state: str
    target_region: str
    count: int


@dataclass(frozen=True, slots=True)
class Backlog:
    """What the ledger holds of open work; ages in seconds, 0 when there is none."""

    open_syncs: Sequence[OpenSyncs]
    oldest_pending: float
    most_overdue: float


@dataclass(frozen=True, slots=True)
class Heard:
    """When a sender delivered last, and whether that is longer ago than expected."""

    sender: str
    last_delivery_at: datetime | None
    expect_every: timedelta | None
    is_silent: bool


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How a region is asked: at most so often, and which operations not at all."""

    region: str
    per_second: float
    breakers: Mapping[str, bool]  # by operation: whether it is open


@dataclass(frozen=True, slots=True)
class Drifted:
    """How many tags of one target are not as the rules want them, by what is there instead."""

    target_region: str
    target_namespace: str
    drift: str
    count: int


class Metrics:
    """This process's counters, and what it finds in the ledger when it is asked.

    Where several processes stand behind one address, they keep their counters in the folder
    `shared`, which gunicorn.conf.py makes, and whichever is asked shows those of all.
    """

    def __init__(self, shared: str | None = None) -> None:
        """Start at nothing, in a registry of our own."""
        self.registry = CollectorRegistry()
        self._shared = shared
        self._found: list[Collector] = []  # what is not counted, but known when it is asked
        self._deliveries = Counter(
            "swrhook_deliveries_total",
            "Deliveries recorded, by sender and outcome.",
            ["sender", "outcome"],
            registry=self.registry,
        )
        self._refused = Counter(
            "swrhook_deliveries_refused_total",
            "Requests refused, by sender and kind of refusal; sender is unknown for none of ours.",
            ["sender", "kind"],
            registry=self.registry,
        )
        self._ignored = Counter(
            "swrhook_deliveries_ignored_total",
            "Deliveries ignored, by sender and reason: no_push (no image tag in it), no_target"
            " (no rule has a target for one).",
            ["sender", "reason"],
            registry=self.registry,
        )
        self._replayed = Counter(
            "swrhook_deliveries_replayed_total",
            "Deliveries replayed, by sender and the outcome of the replay.",
            ["sender", "outcome"],
            registry=self.registry,
        )
        self._syncs = Counter(
            "swrhook_syncs_total",
            "Syncs that reached a state, by target region; retry counts tries put back.",
            ["target_region", "state"],
            registry=self.registry,
        )
        self._triggered = Histogram(
            "swrhook_push_to_triggered_seconds",
            "Time from the recorded push to SWR's first acceptance of a call for it.",
            ["target_region"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._verified = Histogram(
            "swrhook_push_to_verified_seconds",
            "Time from the recorded push to the proof at the target.",
            ["target_region"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._configuration = Gauge(
            "swrhook_configuration_is_current",
            "1 when the file in use is the one on disk, 0 when the last good one stands in.",
            registry=self.registry,
            multiprocess_mode="livemin",
        )
        self._in_use = Info(
            "swrhook_configuration", "The version of the configuration in use.", registry=None
        )
        self._show(self._in_use)
        self._reloads = Counter(
            "swrhook_configuration_reloads_total",
            "Changed configurations, by outcome: accepted or rejected.",
            ["outcome"],
            registry=self.registry,
        )
        self._denied = Counter(
            "swrhook_access_denied_total",
            "Requests without a valid token, with one of too low a role, or after too many tries.",
            ["reason"],
            registry=self.registry,
        )
        self._asked = Counter(
            "swrhook_swr_requests_total",
            "Requests to SWR, by region, operation and outcome: ok, or the kind of the error.",
            ["region", "operation", "outcome"],
            registry=self.registry,
        )
        self._put_off = Counter(
            "swrhook_postponed_total",
            "Times that a lane, or a request, was put off, by the region without room and reason.",
            ["region", "reason"],
            registry=self.registry,
        )
        self._pruned = Counter(
            "swrhook_pruned_rows_total",
            "Rows deleted from the ledger because of their age, by table.",
            ["table"],
            registry=self.registry,
        )
        self._passes = Counter(
            "swrhook_retention_runs_total",
            "Passes of retention that this process made, by outcome: done, failed, or stopped with"
            " the process.",
            ["outcome"],
            registry=self.registry,
        )
        build = Info("swrhook_build", "What runs.", registry=None)
        build.info({"version": __version__, "python": platform.python_version()})
        self._show(build)

    def watch(self, backlog: Callable[[], Backlog | None]) -> None:
        """Show the ledger's open work too, read anew at each scrape; None: it cannot be read."""
        self._show(_BacklogCollector(backlog))

    def listen(self, heard: Callable[[], Sequence[Heard] | None]) -> None:
        """Show when each sender delivered last, too; None: it cannot be read."""
        self._show(_HeardCollector(heard))

    def compare(self, drifted: Callable[[], Sequence[Drifted] | None]) -> None:
        """Show what reconciles found, too; None: it cannot be read."""
        self._show(_DriftCollector(drifted))

    def delivered(self, sender: str, outcome: Outcome) -> None:
        """Count a recorded delivery."""
        self._deliveries.labels(sender, outcome.value).inc()

    def ignored(self, sender: str, *, has_pushes: bool) -> None:
        """Count an ignored delivery by its reason."""
        self._ignored.labels(sender, "no_target" if has_pushes else "no_push").inc()

    def replayed(self, sender: str, outcome: Outcome) -> None:
        """Count a replay."""
        self._replayed.labels(sender, outcome.value).inc()

    def refused(self, sender: str, kind: str) -> None:
        """Count a refused request."""
        self._refused.labels(sender, kind).inc()

    def denied(self, reason: str) -> None:
        """Count a request that may not do what it wants."""
        self._denied.labels(reason).inc()

    def moved(self, sync: Sync, what: str, took: float) -> None:
        """Count a sync that ended, or whose try failed (`retry`); `took` in seconds."""
        self._syncs.labels(sync.lane.target.region, what).inc()
        if what == State.VERIFIED:
            self._verified.labels(sync.lane.target.region).observe(took)

    def triggered(self, sync: Sync, took: float) -> None:
        """Count a sync's first call that SWR accepted; `took` in seconds."""
        self._triggered.labels(sync.lane.target.region).observe(took)

    def asked(self, region: str, operation: str, outcome: str) -> None:
        """Count a request to SWR."""
        self._asked.labels(region, operation, outcome).inc()

    def put_off(self, region: str, reason: str) -> None:
        """Count work that has to wait for its turn at a region."""
        self._put_off.labels(region, reason).inc()

    def pace(self, read: Callable[[], Sequence[Endpoint]]) -> None:
        """Show how the regions are asked, too, as it is at each scrape."""
        self._show(_EndpointCollector(read))

    def configuration(self, *, is_current: bool) -> None:
        """Show whether the configuration on disk is the one in use."""
        self._configuration.set(1 if is_current else 0)

    def configuration_in_use(self, version: str) -> None:
        """Show the version in use, and no longer the one before."""
        self._in_use.info({"version": version})

    def reloaded(self, outcome: str) -> None:
        """Count a changed configuration: `accepted` or `rejected`."""
        self._reloads.labels(outcome).inc()

    def pruned(self, table: str, rows: int) -> None:
        """Count rows that were deleted because of their age."""
        self._pruned.labels(table).inc(rows)

    def passed(self, outcome: str) -> None:
        """Count a pass of retention: `done`, `stopped` or `failed`."""
        self._passes.labels(outcome).inc()

    def text(self) -> bytes:
        """Return everything in Prometheus' text format."""
        if self._shared is None:
            return generate_latest(self.registry)
        of_all = CollectorRegistry()
        MultiProcessCollector(of_all, self._shared)  # type: ignore[no-untyped-call]
        for each in self._found:
            of_all.register(each)
        return generate_latest(of_all)

    def _show(self, collector: Collector) -> None:
        self.registry.register(collector)
        self._found.append(collector)


class _BacklogCollector(Collector):
    def __init__(self, read: Callable[[], Backlog | None]) -> None:
        self._read = read

    def describe(self) -> Iterator[Metric]:
        """Name the metrics without a look at the ledger."""
        yield _gauge("swrhook_ledger_readable", _READABLE, 0)
        yield from self._families(Backlog((), 0.0, 0.0))

    def collect(self) -> Iterator[Metric]:
        """Read the ledger, once."""
        backlog = self._read()
        yield _gauge("swrhook_ledger_readable", _READABLE, 0 if backlog is None else 1)
        if backlog is not None:
            yield from self._families(backlog)

    def _families(self, backlog: Backlog) -> Iterator[Metric]:
        open_syncs = GaugeMetricFamily(
            "swrhook_open_syncs", _OPEN_SYNCS, labels=["state", "target_region"]
        )
        for found in backlog.open_syncs:
            open_syncs.add_metric([found.state, found.target_region], found.count)
        yield open_syncs
        yield _gauge("swrhook_oldest_pending_sync_seconds", _OLDEST_PENDING, backlog.oldest_pending)
        yield _gauge("swrhook_most_overdue_sync_seconds", _MOST_OVERDUE, backlog.most_overdue)


class _HeardCollector(Collector):
    def __init__(self, read: Callable[[], Sequence[Heard] | None]) -> None:
        self._read = read

    def describe(self) -> Iterator[Metric]:
        """Name the metrics without a look at the ledger."""
        yield from self._families(())

    def collect(self) -> Iterator[Metric]:
        """Ask once; what cannot be read is left out."""
        yield from self._families(self._read() or ())

    def _families(self, found: Sequence[Heard]) -> Iterator[Metric]:
        last = GaugeMetricFamily(
            "swrhook_sender_last_delivery_timestamp_seconds", _LAST_DELIVERY, labels=["sender"]
        )
        silent = GaugeMetricFamily("swrhook_sender_silent", _SILENT, labels=["sender"])
        for heard in found:
            if heard.last_delivery_at is not None:
                last.add_metric([heard.sender], heard.last_delivery_at.timestamp())
            if heard.expect_every is not None:
                silent.add_metric([heard.sender], 1 if heard.is_silent else 0)
        yield last
        yield silent


class _DriftCollector(Collector):
    def __init__(self, read: Callable[[], Sequence[Drifted] | None]) -> None:
        self._read = read

    def describe(self) -> Iterator[Metric]:
        """Name the metric without a look at the ledger."""
        yield from self._families(())

    def collect(self) -> Iterator[Metric]:
        """Ask once; what cannot be read is left out."""
        yield from self._families(self._read() or ())

    def _families(self, drifted: Sequence[Drifted]) -> Iterator[Metric]:
        labels = ["target_region", "target_namespace", "drift"]
        family = GaugeMetricFamily("swrhook_drift", _DRIFT, labels=labels)
        for found in drifted:
            where = [found.target_region, found.target_namespace, found.drift]
            family.add_metric(where, found.count)
        yield family


class _EndpointCollector(Collector):
    def __init__(self, read: Callable[[], Sequence[Endpoint]]) -> None:
        self._read = read

    def describe(self) -> Iterator[Metric]:
        """Name the metrics."""
        yield from self._families(())

    def collect(self) -> Iterator[Metric]:
        """Ask once."""
        yield from self._families(self._read())

    def _families(self, endpoints: Sequence[Endpoint]) -> Iterator[Metric]:
        pace = GaugeMetricFamily("swrhook_pace_per_second", _PACE, labels=["region"])
        breakers = GaugeMetricFamily(
            "swrhook_breaker_open", _BREAKER, labels=["region", "operation"]
        )
        for endpoint in endpoints:
            pace.add_metric([endpoint.region], endpoint.per_second)
            for operation, is_open in endpoint.breakers.items():
                breakers.add_metric([endpoint.region, operation], 1 if is_open else 0)
        yield pace
        yield breakers


_PACE = "Requests a second that a region gets at most; below settings.pace while SWR throttles."
_BREAKER = "1 while a region is not asked for an operation because it gave no answer, else 0."
_LAST_DELIVERY = "When a sender delivered last, Unix time; a sender never heard has no line."
_SILENT = "1 when a sender was not heard for longer than its expect_every, which it needs, else 0."
_DRIFT = "Tags that the last reconcile of their repository found otherwise than the rules want."
_READABLE = "1 when the ledger could be read for this scrape, else 0 and its gauges are left out."
_OPEN_SYNCS = "Syncs that have not ended, by state and target region."
_OLDEST_PENDING = (
    "Seconds since the oldest sync that waits in state pending was recorded; 0 without one."
)
_MOST_OVERDUE = "Seconds by which the engine is late for its most overdue sync; 0 when it is not."


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)
