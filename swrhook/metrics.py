"""What /metrics shows. Labels are bounded: names from the configuration and words of ours."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from swrhook.model import Outcome, State, Sync

_SECONDS = (0.1, 0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 7200)


class Metrics:
    """This process's counters."""

    def __init__(self) -> None:
        """Start at nothing, in a registry of our own."""
        self.registry = CollectorRegistry()
        self._deliveries = Counter(
            "swrhook_deliveries_total",
            "Deliveries recorded, by source and outcome.",
            ["source", "outcome"],
            registry=self.registry,
        )
        self._refused = Counter(
            "swrhook_deliveries_refused_total",
            "Requests refused, by source and kind of refusal; source is unknown for none of ours.",
            ["source", "kind"],
            registry=self.registry,
        )
        self._syncs = Counter(
            "swrhook_syncs_total",
            "Syncs that reached a state, by target region; retry counts tries put back.",
            ["target_region", "state"],
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
        )

    def delivered(self, source: str, outcome: Outcome) -> None:
        """Count a recorded delivery."""
        self._deliveries.labels(source, outcome.value).inc()

    def refused(self, source: str, kind: str) -> None:
        """Count a refused request."""
        self._refused.labels(source, kind).inc()

    def moved(self, sync: Sync, what: str, took: float) -> None:
        """Count a sync that ended, or whose try failed (`retry`); `took` in seconds."""
        self._syncs.labels(sync.lane.target.region, what).inc()
        if what == State.VERIFIED:
            self._verified.labels(sync.lane.target.region).observe(took)

    def configuration(self, *, is_current: bool) -> None:
        """Show whether the configuration on disk is the one in use."""
        self._configuration.set(1 if is_current else 0)

    def text(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self.registry)
