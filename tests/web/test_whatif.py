"""POST /api/v1/whatif: a question for everyone who may read, and it changes nothing."""

import json
from typing import Any

import pytest
import yaml
from werkzeug.test import TestResponse

from swrhook.ledger.tables import audit
from tests.ledger.parts import everything
from tests.web.parts import READ, Parts

RULE: dict[str, Any] = {
    "name": "all",
    "when": {"namespace": "team"},
    "sync": [{"region": "cn-east-3", "namespace": "team"}],
}


def ask(
    parts: Parts, *rules: dict[str, Any], token: str | None = READ, **more: str
) -> TestResponse:
    body = {"candidate": yaml.safe_dump({"rules": list(rules)}), **more}
    return parts.client(token).post("/api/v1/whatif", json=body)


def test_the_same_rules_change_nothing(parts: Parts) -> None:
    parts.push("team/web:v1")

    answer = ask(parts, RULE)

    assert answer.status_code == 200, answer.text
    found = answer.get_json()
    assert tuple(
        found[name] for name in ("pushes", "unchanged", "gained", "lost", "redirected")
    ) == (1, 1, 0, 0, 0)
    assert (found["rules"], found["examples"], found["complete"]) == ([], [], True)


def test_what_would_differ_is_told(parts: Parts) -> None:
    parts.push("team/web:v1")

    found = ask(parts, {**RULE, "name": "new", "sync": [{**RULE["sync"][0], "override": True}]})

    assert found.get_json()["rules"] == [{"rule": "new", "gained": 0, "lost": 0, "redirected": 1}]
    assert found.get_json()["examples"] == [
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


def test_since_leaves_out_what_is_older(parts: Parts) -> None:
    parts.push("team/web:v1")

    assert ask(parts, RULE, since="2100-01-01T00:00:00Z").get_json()["pushes"] == 0
    assert ask(parts, RULE, since="1h").get_json()["pushes"] == 1


def test_a_question_is_no_write(parts: Parts) -> None:
    assert ask(parts, RULE, token=READ).status_code == 200
    assert ask(parts, RULE, token=None).status_code == 401
    assert everything(parts.database, audit) == []


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
def test_what_cannot_be_compared_is_refused_with_its_place(
    parts: Parts, body: dict[str, str], words: str
) -> None:
    answer = parts.client().post("/api/v1/whatif", json=body)

    assert answer.status_code == 422, answer.text
    assert any(words in reason for reason in answer.get_json()["reasons"]), answer.text


def test_a_candidate_over_the_cap_is_refused(parts: Parts) -> None:
    body = json.dumps({"candidate": " " * parts.config.options.body_limit})

    answer = parts.client().post("/api/v1/whatif", data=body, content_type="application/json")

    assert answer.status_code == 413
