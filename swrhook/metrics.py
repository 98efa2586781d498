"""The Prometheus metrics of a process. Label values are bounded: configured names, fixed words."""

import platform
from collections.abc import Sequence

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from swrhook import __version__
from swrhook.model import Outcome, State, Sync

# prometheus_client's own setting: the folder in which several processes keep their counters.
MULTIPROCESS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_SECONDS = (0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 7200)


class Metrics:
    """The counters of this process, and collectors that read their values at each scrape.

    If several processes serve one address, gunicorn.conf.py makes the folder `shared`. Each process
    keeps its counters there, and the one that is scraped shows the sums.
    """

    def __init__(self, shared: str | None = None) -> None:
        self.registry = CollectorRegistry()
        self._shared = shared
        self._collectors: list[Collector] = []
        self._deliveries = self._counter(
            "swrhook_deliveries_total",
            ["sender", "outcome"],
            "Deliveries recorded, by sender and outcome.",
        )
        self._refused = self._counter(
            "swrhook_deliveries_refused_total",
            ["sender", "kind"],
            "Requests refused, by sender and kind of refusal; unknown for an unconfigured sender.",
        )
        self._ignored = self._counter(
            "swrhook_deliveries_ignored_total",
            ["sender", "reason"],
            "Deliveries ignored, by sender and reason: no_push (no image tag in it), no_target"
            " (no rule has a target for one).",
        )
        self._replayed = self._counter(
            "swrhook_deliveries_replayed_total",
            ["sender", "outcome"],
            "Deliveries replayed, by sender and the outcome of the replay.",
        )
        self._syncs = self._counter(
            "swrhook_syncs_total",
            ["target_region", "state"],
            "Syncs that reached a state, by target region; retry counts failed attempts.",
        )
        self._triggered = self._histogram(
            "swrhook_push_to_triggered_seconds",
            "Time from recording a push to the first call for it that SWR accepted.",
        )
        self._verified = self._histogram(
            "swrhook_push_to_verified_seconds",
            "Time from recording a push to verifying it at the target.",
        )
        self._configuration = Gauge(
            "swrhook_configuration_is_current",
            "1 if the file on disk is in use, 0 if the last good configuration is used instead.",
            registry=self.registry,
            multiprocess_mode="livemin",
        )
        self._reloads = self._counter(
            "swrhook_configuration_reloads_total",
            ["outcome"],
            "Changed configurations, by outcome: accepted or rejected.",
        )
        self._denied = self._counter(
            "swrhook_access_denied_total",
            ["reason"],
            "Requests without a valid token, with too low a role, or after too many attempts.",
        )
        self._requests = self._counter(
            "swrhook_swr_requests_total",
            ["region", "operation", "outcome"],
            "Requests to SWR, by region, operation and outcome: ok, or the kind of the error.",
        )
        self._postponed = self._counter(
            "swrhook_postponed_total",
            ["region", "reason"],
            "Lanes and requests postponed, by the region without capacity and the reason.",
        )
        self._pruned = self._counter(
            "swrhook_pruned_rows_total",
            ["table"],
            "Rows deleted from the ledger because of their age, by table.",
        )
        self._retention_runs = self._counter(
            "swrhook_retention_runs_total",
            ["outcome"],
            "Retention runs of this process, by outcome: done, failed or stopped.",
        )
        self._version = Info(
            "swrhook_configuration", "The version of the configuration in use.", registry=None
        )
        self.register(self._version)
        build = Info("swrhook_build", "The running version.", registry=None)
        build.info({"version": __version__, "python": platform.python_version()})
        self.register(build)

    def register(self, collector: Collector) -> None:
        """Add a collector, which is read at each scrape."""
        self.registry.register(collector)
        self._collectors.append(collector)

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
        """Count a request that was denied access."""
        self._denied.labels(reason).inc()

    def sync_outcome(self, sync: Sync, outcome: str, seconds: float) -> None:
        """Count a sync that ended in a state, or a failed attempt (`retry`)."""
        self._syncs.labels(sync.lane.target.region, outcome).inc()
        if outcome == State.VERIFIED:
            self._verified.labels(sync.lane.target.region).observe(seconds)

    def triggered(self, sync: Sync, seconds: float) -> None:
        """Count the first call for a sync that SWR accepted."""
        self._triggered.labels(sync.lane.target.region).observe(seconds)

    def swr_request(self, region: str, operation: str, outcome: str) -> None:
        """Count a request to SWR."""
        self._requests.labels(region, operation, outcome).inc()

    def postponed(self, region: str, reason: str) -> None:
        """Count work that was postponed because of a region's limit."""
        self._postponed.labels(region, reason).inc()

    def configuration(self, *, is_current: bool) -> None:
        """Set whether the file on disk is in use."""
        self._configuration.set(1 if is_current else 0)

    def configuration_in_use(self, version: str) -> None:
        """Set the version in use; the series of the earlier version disappears."""
        self._version.info({"version": version})

    def reloaded(self, outcome: str) -> None:
        """Count a changed configuration: `accepted` or `rejected`."""
        self._reloads.labels(outcome).inc()

    def pruned(self, table: str, rows: int) -> None:
        """Count rows that were deleted because of their age."""
        self._pruned.labels(table).inc(rows)

    def retention_run(self, outcome: str) -> None:
        """Count a run of retention: `done`, `stopped` or `failed`."""
        self._retention_runs.labels(outcome).inc()

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        if self._shared is None:
            return generate_latest(self.registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry, self._shared)  # type: ignore[no-untyped-call]
        for collector in self._collectors:
            registry.register(collector)
        return generate_latest(registry)

    def _counter(self, name: str, labels: Sequence[str], help_text: str) -> Counter:
        return Counter(name, help_text, labels, registry=self.registry)

    def _histogram(self, name: str, help_text: str) -> Histogram:
        return Histogram(
            name, help_text, ["target_region"], buckets=_SECONDS, registry=self.registry
        )
