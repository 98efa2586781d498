"""POST /api/v1/whatif: needs the role read, and changes nothing."""

import json
from typing import Any

import pytest
import yaml
from werkzeug.test import TestResponse

from swrhook.ledger.service_tables import audit
from swrhook.web.api import analysis
from tests.factories import everything
from tests.web.harness import READ, WebHarness

RULE: dict[str, Any] = {
    "name": "all",
    "when": {"namespace": "team"},
    "sync": [{"region": "cn-east-3", "namespace": "team"}],
}


def compare(
    harness: WebHarness, *rules: dict[str, Any], token: str | None = READ, **more: str
) -> TestResponse:
    body = {"candidate": yaml.safe_dump({"rules": list(rules)}), **more}
    return harness.client(token).post("/api/v1/whatif", json=body)


def test_the_same_rules_change_nothing(harness: WebHarness) -> None:
    harness.push("team/web:v1")

    answer = compare(harness, RULE)

    assert answer.status_code == 200, answer.text
    comparison = answer.get_json()
    assert tuple(
        comparison[name] for name in ("pushes", "unchanged", "gained", "lost", "redirected")
    ) == (1, 1, 0, 0, 0)
    assert (comparison["rules"], comparison["examples"], comparison["complete"]) == ([], [], True)


def test_a_difference_is_counted_and_shown(harness: WebHarness) -> None:
    harness.push("team/web:v1")

    answer = compare(
        harness, {**RULE, "name": "new", "sync": [{**RULE["sync"][0], "override": True}]}
    )

    assert answer.get_json()["rules"] == [{"rule": "new", "gained": 0, "lost": 0, "redirected": 1}]
    assert answer.get_json()["examples"] == [
        {
            "change": "redirected",
            "image": "team/web:v1",
            "sender": "ci",
            "target_region": "cn-east-3",
            "target_namespace": "team",
            "before": False,
            "after": True,
            "rule": "new",
        }
    ]


def test_since_excludes_older_pushes(harness: WebHarness) -> None:
    harness.push("team/web:v1")

    assert compare(harness, RULE, since="2100-01-01T00:00:00Z").get_json()["pushes"] == 0
    assert compare(harness, RULE, since="1h").get_json()["pushes"] == 1


def test_whatif_is_not_a_write(harness: WebHarness) -> None:
    assert compare(harness, RULE, token=READ).status_code == 200
    assert compare(harness, RULE, token=None).status_code == 401
    assert everything(harness.database, audit) == []


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "candidate: Missing data"),
        ({"candidate": "rules: []", "since": "soon"}, "since: must be a time"),
        ({"candidate": "rules: ["}, "candidate:1:9: "),
        ({"candidate": "rules: [{nmae: a}]"}, "candidate:1:10: rules[0]: there is no such key"),
        ({"candidate": "rules: ['\ud800']"}, "candidate:1:9: rules[0]: must be a mapping"),
        ({"candidate": "[" * 5000}, "candidate:1:"),
    ],
    ids=["nothing", "since", "syntax", "key", "surrogate", "deep"],
)
def test_an_invalid_candidate_is_refused_with_its_position(
    harness: WebHarness, body: dict[str, str], words: str
) -> None:
    answer = harness.client().post("/api/v1/whatif", json=body)

    assert answer.status_code == 422, answer.text
    assert any(words in reason for reason in answer.get_json()["reasons"]), answer.text


def test_a_candidate_over_the_body_limit_is_refused(harness: WebHarness) -> None:
    body = json.dumps({"candidate": " " * harness.config.options.body_limit})

    answer = harness.client().post("/api/v1/whatif", data=body, content_type="application/json")

    assert answer.status_code == 413


def test_only_one_comparison_runs_at_a_time(harness: WebHarness) -> None:
    with harness.context.comparisons.take():
        refused = compare(harness, RULE)

    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    assert compare(harness, RULE).status_code == 200


def test_a_comparison_that_takes_too_long_is_ended(
    harness: WebHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analysis, "COMPARISON_TIMEOUT", 0.01)
    answer = compare(harness, RULE)

    assert answer.status_code == 422
    assert "takes longer than 0.01 seconds" in answer.get_json()["reasons"][0]
