"""The Prometheus metrics of a process. Label values are bounded: configured names, fixed words."""

import platform
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from swrhook import __version__

# prometheus_client's own setting: the folder in which several processes keep their counters.
MULTIPROCESS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_SECONDS = (0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 7200)


class Metrics:
    """The counters of this process, and collectors that read their values at each scrape.

    If several processes serve one address, gunicorn_settings makes the folder `shared`. Each
    process keeps its counters there, and the one that is scraped shows the sums.
    """

    def __init__(self, shared: str | None = None) -> None:
        self.registry = CollectorRegistry()
        self._shared = shared
        self._collectors: list[Collector] = []
        counter = partial(Counter, registry=self.registry)
        histogram = partial(
            Histogram, labelnames=["target_region"], buckets=_SECONDS, registry=self.registry
        )
        self.deliveries = counter(
            "swrhook_deliveries_total",
            "Deliveries recorded, by sender and outcome.",
            ["sender", "outcome"],
        )
        self.deliveries_refused = counter(
            "swrhook_deliveries_refused_total",
            "Requests refused, by sender and kind of refusal; unknown for an unconfigured sender.",
            ["sender", "kind"],
        )
        self.deliveries_ignored = counter(
            "swrhook_deliveries_ignored_total",
            "Deliveries ignored, by sender and reason: no_push (no image tag in it), no_target"
            " (no rule has a target for one).",
            ["sender", "reason"],
        )
        self.deliveries_over_max_images = counter(
            "swrhook_deliveries_over_max_images_total",
            "Deliveries quarantined because they have more image tags than max_images, by sender.",
            ["sender"],
        )
        self.deliveries_replayed = counter(
            "swrhook_deliveries_replayed_total",
            "Deliveries replayed, by sender and the outcome of the replay.",
            ["sender", "outcome"],
        )
        self.syncs = counter(
            "swrhook_syncs_total",
            "Syncs that reached a state, by target region; retry counts failed attempts.",
            ["target_region", "state"],
        )
        self.push_to_triggered = histogram(
            "swrhook_push_to_triggered_seconds",
            "Time from recording a push to the first call for it that SWR accepted.",
        )
        self.push_to_verified = histogram(
            "swrhook_push_to_verified_seconds",
            "Time from recording a push to verifying it at the target.",
        )
        self._add_configuration_gauges()
        self.configuration_reloads = counter(
            "swrhook_configuration_reloads_total",
            "Changed configurations, by outcome: accepted or rejected.",
            ["outcome"],
        )
        self.access_denied = counter(
            "swrhook_access_denied_total",
            "Requests without a valid token, with too low a role, or after too many attempts.",
            ["reason"],
        )
        self.swr_requests = counter(
            "swrhook_swr_requests_total",
            "Requests to SWR, by region, operation and outcome: ok, or the kind of the error.",
            ["region", "operation", "outcome"],
        )
        self.postponed = counter(
            "swrhook_postponed_total",
            "Lanes and requests postponed, by the region without capacity and the reason.",
            ["region", "reason"],
        )
        self.availability = counter(
            "swrhook_availability_total",
            "Images whose availability at a target was asked for, by what was answered.",
            ["state"],
        )
        self.gate_reviews = counter(
            "swrhook_gate_reviews_total",
            "Pods and workloads that the deploy gate has reviewed, by verdict.",
            ["verdict"],
        )
        self.pruned_rows = counter(
            "swrhook_pruned_rows_total",
            "Rows deleted from the ledger because of their age, by table.",
            ["table"],
        )
        self.retention_runs = counter(
            "swrhook_retention_runs_total",
            "Retention runs of this process, by outcome: done, failed or stopped.",
            ["outcome"],
        )
        self.notifications = counter(
            "swrhook_notifications_total",
            "Attempts to deliver a notification, by channel and outcome: sent, retried or failed.",
            ["channel", "outcome"],
        )
        self.configuration_version = Info(
            "swrhook_configuration", "The version of the configuration in use.", registry=None
        )
        self._register_versions()

    def _add_configuration_gauges(self) -> None:
        self.configuration_is_current = Gauge(
            "swrhook_configuration_is_current",
            "1 if the file on disk is in use, 0 if the last good configuration is used instead.",
            registry=self.registry,
            multiprocess_mode="livemin",
        )
        self.rules_are_held = Gauge(
            "swrhook_rules_held",
            "1 while the rules of the file on disk are held by settings.reload_guard, else 0.",
            registry=self.registry,
            multiprocess_mode="livemax",
        )

    def _register_versions(self) -> None:
        self.register(self.configuration_version)
        self.register(_build_info())

    def register(self, collector: Collector) -> None:
        """Add a collector, which is read at each scrape."""
        self.registry.register(collector)
        self._collectors.append(collector)

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        if self._shared is None:
            return generate_latest(self.registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry, self._shared)  # type: ignore[no-untyped-call]
        for collector in self._collectors:
            registry.register(collector)
        return generate_latest(registry)


def _build_info() -> Info:
    build = Info("swrhook_build", "The running version.", registry=None)
    build.info({"version": __version__, "python": platform.python_version()})
    return build
