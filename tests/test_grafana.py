"""The dashboard of Grafana names existing metrics and labels, and lays its panels out properly."""

import json
import re
from typing import Any

import pytest

from tests.exposition import labels_shown, parse_metrics
from tests.programs import ROOT
from tests.test_alerts import RECORDED

DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "swrhook.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
PAGE = (ROOT / "docs" / "metrics.md").read_text()


def expressions() -> list[str]:
    return [target["expr"] for panel in PANELS for target in panel["targets"]]


@pytest.mark.parametrize("panel", PANELS, ids=[panel["title"] for panel in PANELS])
def test_a_panel_uses_existing_metrics_and_labels(panel: dict[str, Any]) -> None:
    recorded = {rule["record"]: {"target_region"} for rule in RECORDED}
    existing = labels_shown() | recorded
    for target in panel["targets"]:
        expression = target["expr"].replace('job="swrhook"', "")
        metrics = dict(parse_metrics(expression))
        grouped = {
            label.strip()
            for group in re.findall(r"\bby \(([^)]*)\)", expression)
            for label in group.split(",")
        }
        shown = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))

        assert metrics
        for name, matchers in metrics.items():
            assert set(matchers) | grouped <= existing.get(name, set()), name
            assert shown <= (grouped or existing[name])


def test_every_metric_that_is_documented_is_on_the_dashboard() -> None:
    documented = set(re.findall(r"^\| `(swrhook_\w+)` \|", PAGE, re.MULTILINE))
    shown = {name for each in expressions() for name, _ in parse_metrics(each)}
    # Ages of numbers, and details of what a panel counts.
    left_out = {
        "swrhook_backlog_age_seconds",
        "swrhook_configuration_info",
        "swrhook_deliveries_over_max_images_total",
        "swrhook_deliveries_replayed_total",
        "swrhook_expanding_deliveries",
    }

    assert documented - {re.sub("_bucket$", "", name) for name in shown} == left_out


def test_panels_are_described_and_do_not_overlap() -> None:
    cells = [
        (column, line)
        for panel in DASHBOARD["panels"]
        for column in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for line in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]

    assert len(cells) == len(set(cells))
    assert max(column for column, _ in cells) < 24
    assert all(panel["title"] and panel["description"].endswith(".") for panel in PANELS)
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_the_data_source_is_chosen_in_the_dashboard() -> None:
    names = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(DASHBOARD)))

    assert used - {"__rate_interval", "__all"} == names
    assert {panel["datasource"]["uid"] for panel in PANELS} == {"${datasource}"}
