"""The alert rules use existing metrics, labels and label values."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from swrhook.errors import Refused
from swrhook.ledger.queries.expansions import SenderExpansions
from swrhook.ledger.queries.stats import Backlog, DriftCount, OpenSyncs
from swrhook.metrics import Metrics
from swrhook.model import END_STATES, Outcome
from swrhook.service.metrics_collectors import (
    backlog_collector,
    drift_collector,
    endpoint_collector,
    expansion_collector,
    sender_collector,
)
from swrhook.service.sender_monitor import SenderStatus
from swrhook.service.snapshot import Aged
from swrhook.worker.gateway import Endpoint
from tests.programs import ROOT

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
FILE = ROOT / "deploy" / "prometheus" / "alerts.yaml"
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load(FILE.read_text())["groups"] for rule in group["rules"]
]
PAGE = (ROOT / "docs" / "metrics.md").read_text()
# Added by Prometheus itself for every target.
FOREIGN = {"up": {"job", "instance"}}


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
    metrics.register(expansion_collector(lambda: [SenderExpansions("ci", 2, 500, 1)]))
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
        metrics.retention_runs: ("done",),
    }
    for counter, labels in counters.items():
        counter.labels(*labels).inc()
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
    for name, matchers in re.findall(r"\b(swrhook_\w+|up)\b(?:\{([^}]*)\})?", expression):
        yield name, dict(re.findall(r'(\w+)=~?"([^"]*)"', matchers))


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_an_alert_uses_existing_metrics_and_labels(rule: dict[str, Any]) -> None:
    existing = labels_shown() | FOREIGN
    grouped = {
        label.strip()
        for group in re.findall(r"\bby \(([^)]*)\)", rule["expr"])
        for label in group.split(",")
    }
    metrics = dict(parse_metrics(rule["expr"]))

    assert metrics
    for name, matchers in metrics.items():
        assert set(matchers) | grouped <= existing.get(name, set()), name


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_an_alert_has_a_summary_an_action_and_a_page(rule: dict[str, Any]) -> None:
    notes = rule["annotations"]

    assert set(notes) == {"summary", "action", "docs"}
    assert (ROOT / notes["docs"]).is_file()
    assert rule["labels"]["severity"] in {"critical", "warning"}
    labels = set(re.findall(r"\$labels\.(\w+)", notes["summary"] + notes["action"]))
    assert labels <= set(re.findall(r"\w+", rule["expr"])) | {"instance"}


def test_an_alert_matches_existing_label_values() -> None:
    kinds = {refused.code for refused in Refused.__subclasses__()}
    words = {
        "state": {state.value for state in END_STATES},
        "outcome": {outcome.value for outcome in Outcome} | {"authentication", "done"},
        "kind": kinds,
        "job": {"swrhook"},
        "drift": {"missing", "diverged", "unwanted", "unreadable"},
    }

    for rule in RULES:
        for _, matchers in parse_metrics(rule["expr"]):
            for label, values in matchers.items():
                assert set(values.split("|")) <= words[label], rule["alert"]


def test_every_alert_is_on_the_page_of_metrics() -> None:
    section = PAGE.partition("\n## Alerts\n")[2]

    assert {rule["alert"] for rule in RULES} == set(re.findall(r"`(Swrhook\w+)`", section))


def test_every_label_is_on_the_page_of_metrics() -> None:
    rows = re.findall(r"^\| `(swrhook_\w+)` \| \w+ \|([^|]*)\|", PAGE, re.MULTILINE)
    documented = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    shown = labels_shown()
    samples = {name: shown.get(name, shown.get(f"{name}_count", set())) for name in documented}

    assert samples == documented
