"""What /metrics shows, and the metrics that an expression of Prometheus names."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from prometheus_client.parser import text_string_to_metric_families

from swrhook.ledger.queries.coverage import CoverageSum
from swrhook.ledger.queries.expansions import SenderExpansions
from swrhook.ledger.queries.stats import Backlog, DriftCount, OpenSyncs
from swrhook.metrics import Metrics
from swrhook.service.coverage_collector import coverage_gauges
from swrhook.service.metrics_collectors import (
    SnapshotCollector,
    backlog_collector,
    drift_collector,
    endpoint_collector,
    expansion_collector,
    pause_collector,
    sender_collector,
)
from swrhook.service.sender_monitor import SenderStatus
from swrhook.service.snapshot import Aged
from swrhook.syncs.coverage import Counts, CoverageKey
from swrhook.syncs.pauses import Pause, PauseKind
from swrhook.worker.gateway import Endpoint
from tests.factories import FakeClock

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
# A metric of swrhook, or a series that a recording rule makes of it.
_NAME = r"(?:\w+:)?swrhook_\w+(?::\w+)?"


def everything() -> Metrics:
    """Return metrics in which every family has a sample."""
    metrics = Metrics()
    backlog = Backlog([OpenSyncs("pending", "cn-east-3", 1)], 1.0, 1.0)
    metrics.register(backlog_collector(lambda: Aged(backlog, 1.0)))
    status = SenderStatus("ci", NOW, timedelta(hours=1), is_silent=True)
    metrics.register(sender_collector(lambda: [status]))
    drift = [DriftCount("cn-east-3", "team", "missing", 1)]
    metrics.register(drift_collector(lambda: Aged(drift, 1.0)))
    endpoint = Endpoint("cn-east-3", 20, {"sync_images": True})
    metrics.register(endpoint_collector(lambda: [endpoint]))
    total = CoverageSum(CoverageKey("releases", "cn-east-3"), Counts(2, missing=1), NOW, NOW)
    gauges = partial(coverage_gauges, FakeClock(NOW))
    metrics.register(SnapshotCollector[Sequence[CoverageSum]](lambda: [total], gauges, ()))
    metrics.register(expansion_collector(lambda: [SenderExpansions("ci", 2, 500, 1)]))
    pause = Pause(PauseKind.RULE, "all", NOW, None, "ops", None)
    metrics.register(pause_collector(lambda: [pause]))
    counters = {
        metrics.deliveries: ("ci", "accepted"),
        metrics.deliveries_ignored: ("ci", "no_target"),
        metrics.deliveries_over_max_images: ("ci",),
        metrics.deliveries_replayed: ("ci", "accepted"),
        metrics.deliveries_refused: ("ci", "cannot_record"),
        metrics.access_denied: ("forbidden",),
        metrics.syncs: ("cn-east-3", "verified"),
        metrics.swr_requests: ("cn-east-3", "sync_images", "ok"),
        metrics.postponed: ("cn-east-3", "pace"),
        metrics.configuration_reloads: ("accepted",),
        metrics.pruned_rows: ("syncs",),
        metrics.gate_reviews: ("allowed",),
        metrics.retention_runs: ("done",),
        metrics.notifications: ("ops", "sent"),
    }
    for counter, labels in counters.items():
        counter.labels(*labels).inc()
    metrics.availability.labels("available").inc()
    metrics.push_to_triggered.labels("cn-east-3").observe(1)
    metrics.push_to_verified.labels("cn-east-3").observe(1)
    metrics.configuration_is_current.set(1)
    metrics.configuration_version.info({"version": "0123456789ab"})
    return metrics


def labels_shown() -> dict[str, set[str]]:
    """Return every sample's name with the labels that it has."""
    families = text_string_to_metric_families(everything().text().decode())
    return {sample.name: set(sample.labels) for family in families for sample in family.samples}


def parse_metrics(expression: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each metric of an expression, with the values of its matchers."""
    for name, matchers in re.findall(rf"\b({_NAME}|up)\b(?:\{{([^}}]*)\}})?", expression):
        yield name, dict(re.findall(r'(\w+)=~?"([^"]*)"', matchers))
