"""GET /api/v1/explain: the documented members, and refusals with their reasons."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from swrhook.model import Outcome
from swrhook.syncs.states import Event
from tests.web.harness import DIGEST, EAST, HONG_KONG, NOW, WebHarness

PAGE = (Path(__file__).parents[3] / "docs" / "explain.md").read_text(encoding="utf-8")


def explain(harness: WebHarness, image: str, **query: str) -> dict[str, Any]:
    answer = harness.client().get("/api/v1/explain", query_string={"image": image, **query})
    assert answer.status_code == 200, answer.text
    explanation: dict[str, Any] = answer.get_json()
    return explanation


def test_an_explanation_has_rules_deliveries_and_syncs(harness: WebHarness) -> None:
    receipt = harness.push("team/web:v1", EAST, HONG_KONG)
    verified = receipt.syncs[0].id
    harness.happen(verified, Event.VERIFY_WITHOUT_CALL)

    explanation = explain(harness, "team/web:v1")

    assert explanation["summary"].startswith(
        "team/web:v1 is at 1 of 2 targets: ap-southeast-1/team-hk"
    )
    assert ("team/web:v1", harness.config.version) == (
        explanation["image"],
        explanation["rules_version"],
    )
    [sender] = explanation["senders"]
    assert (sender["sender"], sender["matched"], sender["rules_left_out"]) == ("ci", True, 0)
    assert sender["summary"] == "rule all sends it to cn-east-3/team"
    [delivery] = explanation["deliveries"]
    assert (receipt.delivery, DIGEST, True) == (
        delivery["id"],
        delivery["digest"],
        delivery["rules_changed"],
    )
    assert {sync.id for sync in receipt.syncs} == set(delivery["syncs"])
    syncs = {entry["sync"]["id"]: entry for entry in explanation["syncs"]}
    assert (syncs[verified]["sync"]["state"], syncs[verified]["waiting"]) == ("verified", None)
    listed = harness.client().get(f"/api/v1/syncs/{verified}").get_json()
    assert listed == syncs[verified]["sync"]


def test_a_tag_that_was_never_announced_is_explained_by_the_rules(harness: WebHarness) -> None:
    harness.push("team/web:v1")

    explanation = explain(harness, "other/web:v1")

    since = NOW.strftime("%Y-%m-%dT%H:%M:%SZ")
    summary = explanation["summary"]
    assert f"no delivery has announced this tag since {since}, the oldest record." in summary
    assert (explanation["deliveries"], explanation["syncs"]) == ([], [])
    [clause] = explanation["senders"][0]["rules"][0]["clauses"]
    assert clause == {
        "field": "namespace",
        "value": "other",
        "excludes": False,
        "matched": False,
        "patterns": [{"pattern": "team", "matched": False}],
    }


def test_an_ignored_delivery_shows_the_reason_for_this_tag(harness: WebHarness) -> None:
    reason = "team/web:v1: no rule matches; team/web:v2: something else"
    harness.push("team/web:v1", outcome=Outcome.IGNORED, reason=reason)

    [delivery] = explain(harness, "team/web:v1")["deliveries"]

    assert (delivery["about"], delivery["reason"]) == ("no rule matches", reason)


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ({}, 422, "image: Missing data"),
        ({"image": "team/web"}, 422, "has no tag"),
        ({"image": "team/web:v1", "tag": "v1"}, 422, "tag: Unknown field"),
        ({"image": "team/web:v1", "sender": "gone"}, 404, "no sender is named gone"),
    ],
    ids=["no image", "no tag", "unknown parameter", "unknown sender"],
)
def test_an_invalid_query_is_refused_with_the_reason(
    harness: WebHarness, query: dict[str, str], status: int, words: str
) -> None:
    answer = harness.client().get("/api/v1/explain", query_string=query)

    assert answer.status_code == status
    assert words in answer.text


def test_the_documented_example_has_the_members_of_a_real_answer(harness: WebHarness) -> None:
    receipt = harness.push("team/web:v1", EAST)
    harness.happen(receipt.syncs[0].id, Event.VERIFY_WITHOUT_CALL)
    block = re.search(r"GET /api/v1/explain.*?```json\n(.*?)```", PAGE, re.DOTALL)
    assert block is not None
    shown = json.loads(block[1])
    real = explain(harness, "team/web:v1")

    assert list(real) == list(shown)
    for part in ("senders", "deliveries", "syncs"):
        assert list(real[part][0]) == list(shown[part][0])
    real_rule, shown_rule = real["senders"][0]["rules"][0], shown["senders"][0]["rules"][0]
    assert list(real_rule) == list(shown_rule)
    assert list(real_rule["clauses"][0]) == list(shown_rule["clauses"][0])
    assert list(real_rule["targets"][0]) == list(shown_rule["targets"][0])
