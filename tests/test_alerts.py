"""The alert rules use existing metrics, labels and label values."""

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from swrhook.errors import Refused
from swrhook.model import END_STATES, Outcome
from tests.exposition import labels_shown, parse_metrics
from tests.programs import ROOT, needs

FOLDER = ROOT / "deploy" / "prometheus"


def rules_of(name: str) -> list[dict[str, Any]]:
    groups = yaml.safe_load((FOLDER / name).read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


RULES = rules_of("alerts.yaml")
RECORDED = rules_of("rules.yaml")
PAGE = (ROOT / "docs" / "metrics.md").read_text()
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
RUNBOOKS = "https://docs.example.com/swrhook/runbook/"
# Added by Prometheus itself for every target.
FOREIGN = {"up": {"job", "instance"}}


@pytest.mark.parametrize(
    "rule",
    RULES + RECORDED,
    ids=[rule.get("alert", rule.get("record")) for rule in RULES + RECORDED],
)
def test_a_rule_uses_existing_metrics_and_labels(rule: dict[str, Any]) -> None:
    recorded = {each["record"]: {"target_region"} for each in RECORDED}
    existing = labels_shown() | FOREIGN | recorded
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

    assert set(notes) == {"summary", "action", "docs", "runbook_url"}
    assert (ROOT / notes["docs"]).is_file()
    assert notes["runbook_url"] == f"{RUNBOOKS}#{rule['alert'].lower()}"
    assert rule["labels"]["severity"] in {"critical", "warning"}
    labels = set(re.findall(r"\$labels\.(\w+)", notes["summary"] + notes["action"]))
    assert labels <= set(re.findall(r"\w+", rule["expr"])) | {"instance"}


def test_an_alert_matches_existing_label_values() -> None:
    kinds = {refused.code for refused in Refused.__subclasses__()}
    words = {
        "state": {state.value for state in END_STATES} | {"present", "wanted"},
        "outcome": {outcome.value for outcome in Outcome}
        | {"authentication", "done"}
        | {"retried", "failed"},
        "kind": kinds,
        "job": {"swrhook"},
        "drift": {"missing", "diverged", "unwanted", "unreadable"},
    }

    for rule in RULES + RECORDED:
        for _, matchers in parse_metrics(rule["expr"]):
            for label, values in matchers.items():
                names = {*values.replace("(un)?verified", "unverified|verified").split("|")}
                assert names <= words.get(label, {"300(.0)?"}), rule


def test_every_alert_is_on_the_page_of_metrics() -> None:
    section = PAGE.partition("\n## Alerts\n")[2]

    assert {rule["alert"] for rule in RULES} == set(re.findall(r"`(Swrhook\w+)`", section))


def test_every_alert_has_a_section_of_the_runbook() -> None:
    assert {rule["alert"] for rule in RULES} == set(
        re.findall(r"^## (\w+)$", RUNBOOK, re.MULTILINE)
    )


def test_every_recorded_indicator_is_on_the_page_of_metrics() -> None:
    indicators = {rule["record"].rpartition("_rate")[0] for rule in RECORDED} - {""}
    shown = {name.rpartition("_rate")[0] for name in re.findall(r"`(target_region:\S+)`", PAGE)}
    shown -= {""}

    assert indicators == shown


# What each series adds in a minute.
SCENES = {
    "half-fails": (
        {"verified": 5, "rejected": 5},
        {"SwrhookSuccessBudgetBurnsFast", "SwrhookSuccessBudgetBurns"},
    ),
    "a-tenth-fails": ({"verified": 9, "missing": 1}, {"SwrhookSuccessBudgetBurns"}),
    "few-fail": ({"verified": 999, "rejected": 1}, set()),
    "cancelled": ({"verified": 5, "cancelled": 50, "superseded": 50}, set()),
    "hardly-any-syncs": ({"verified": 0.1, "rejected": 0.2}, set()),
}
SLOW_SCENES = {
    "all-slow": (10, 0, {"SwrhookLatencyBudgetBurnsFast", "SwrhookLatencyBudgetBurns"}),
    "one-in-ten-slow": (10, 9, set()),
}


@needs("promtool")
@pytest.mark.parametrize(("added", "expected"), SCENES.values(), ids=SCENES)
def test_alerts_on_the_success_budget(
    tmp_path: Path, added: dict[str, float], expected: set[str]
) -> None:
    series = {
        f'swrhook_syncs_total{{target_region="r", state="{state}"}}': count
        for state, count in added.items()
    }

    expect(tmp_path, series, "Swrhook.*Budget.*", expected)


@needs("promtool")
@pytest.mark.parametrize(("total", "fast", "expected"), SLOW_SCENES.values(), ids=SLOW_SCENES)
def test_alerts_on_the_latency_budget(
    tmp_path: Path, total: int, fast: int, expected: set[str]
) -> None:
    series = {
        'swrhook_syncs_total{target_region="r", state="verified"}': total,
        'swrhook_push_to_verified_seconds_count{target_region="r"}': total,
        'swrhook_push_to_verified_seconds_bucket{target_region="r", le="300.0"}': fast,
    }

    expect(tmp_path, series, "Swrhook.*Budget.*", expected)


@needs("promtool")
def test_the_first_failure_of_a_process_is_noticed(tmp_path: Path) -> None:
    series = {'swrhook_syncs_total{target_region="r", state="rejected"}': "_x479 1"}

    expect(tmp_path, series, "SwrhookSyncsFailed", {"SwrhookSyncsFailed"})


def expect(folder: Path, series: Mapping[str, float | str], alerts: str, fired: set[str]) -> None:
    """Check which of the alerts Prometheus would fire after eight hours of these series."""
    values = [
        {"series": name, "values": added if isinstance(added, str) else f"0+{added}x480"}
        for name, added in series.items()
    ]
    query = {
        "expr": f'count by (alertname) (ALERTS{{alertname=~"{alerts}", alertstate="firing"}})',
        "eval_time": "8h",
        "exp_samples": [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in fired],
    }
    scene = {
        "rule_files": [str(FOLDER / file) for file in ("rules.yaml", "alerts.yaml")],
        "evaluation_interval": "4m",
        "tests": [{"interval": "1m", "input_series": values, "promql_expr_test": [query]}],
    }
    file = folder / "scene.json"
    file.write_text(json.dumps(scene))  # JSON is YAML too
    result = subprocess.run(
        ["promtool", "test", "rules", str(file)], capture_output=True, text=True, check=False
    )

    assert result.returncode == 0, result.stdout + result.stderr


@needs("promtool")
def test_promtool_accepts_the_rules() -> None:
    files = [str(file) for file in sorted(FOLDER.glob("*.yaml"))]
    result = subprocess.run(
        ["promtool", "check", "rules", *files], capture_output=True, text=True, check=False
    )

    assert result.returncode == 0, result.stdout + result.stderr


def test_every_label_is_on_the_page_of_metrics() -> None:
    rows = re.findall(r"^\| `(swrhook_\w+)` \| \w+ \|([^|]*)\|", PAGE, re.MULTILINE)
    documented = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    shown = labels_shown()
    samples = {name: shown.get(name, shown.get(f"{name}_count", set())) for name in documented}

    assert samples == documented
