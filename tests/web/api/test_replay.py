from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from swrhook import logs
from swrhook.model import Outcome
from swrhook.rules.match import Rule
from swrhook.rules.rulebook import Rulebook
from tests.json_lines import json_lines
from tests.web.harness import DIGEST, EAST, NOW, OPERATE, READ, SECRET, WebHarness, image_entry

GITHUB = {
    "action": "published",
    "package": {
        "name": "web",
        "package_type": "CONTAINER",
        "owner": {"login": "team"},
        "package_version": {"container_metadata": {"tag": {"name": "v1", "digest": DIGEST}}},
    },
}


def send(harness: WebHarness, content: object, headers: Mapping[str, str] = {}) -> dict[str, Any]:
    answer = harness.client(SECRET).post("/hooks/ci", json=content, headers=headers)
    body: dict[str, Any] = answer.get_json()
    return body


def replay(harness: WebHarness, delivery: str) -> dict[str, Any]:
    answer = harness.client(OPERATE).post(f"/api/v1/deliveries/{delivery}/replay")
    assert answer.status_code == 202, answer.text
    body: dict[str, Any] = answer.get_json()
    return body


def replay_error(harness: WebHarness, delivery: str) -> tuple[int, str]:
    answer = harness.client(OPERATE).post(f"/api/v1/deliveries/{delivery}/replay")
    return answer.status_code, answer.get_json()["detail"]


def set_dialect(harness: WebHarness, dialect: str) -> None:
    """Change the sender's dialect."""
    sender = replace(harness.config.senders["ci"], dialect=dialect)
    harness.config = replace(harness.config, senders={"ci": sender})


def set_rules(harness: WebHarness, rules: Sequence[Rule]) -> None:
    harness.config = replace(harness.config, rules=Rulebook(rules))


def syncs(harness: WebHarness) -> dict[str, dict[str, Any]]:
    return {sync["id"]: sync for sync in harness.client().get("/api/v1/syncs").get_json()["items"]}


def test_a_quarantined_delivery_is_read_with_the_current_dialect(harness: WebHarness) -> None:
    set_dialect(harness, "harbor")
    quarantined = send(harness, {"image": "team/web:v1"})
    set_dialect(harness, "generic")

    new = replay(harness, quarantined["delivery"])

    old = harness.client().get(f"/api/v1/deliveries/{quarantined['delivery']}").get_json()
    assert (old["outcome"], old["syncs"]) == ("quarantined", [])
    assert ("accepted", quarantined["delivery"]) == (new["outcome"], new["replayed_from"])
    assert new["pushes"] == [{"image": "team/web:v1", "digest": None}]
    assert new["syncs"] == list(syncs(harness))
    assert new == harness.client().get(f"/api/v1/deliveries/{new['id']}").get_json()


def test_a_delivery_that_is_still_not_understood_is_quarantined_again(harness: WebHarness) -> None:
    set_dialect(harness, "harbor")
    quarantined = send(harness, {"image": "team/web:v1"})

    new = replay(harness, quarantined["delivery"])

    assert (new["outcome"], new["syncs"]) == ("quarantined", [])
    set_dialect(harness, "generic")
    assert replay(harness, new["id"])["outcome"] == "accepted"


def test_an_ignored_deliverys_pushes_are_planned_with_the_current_rules(
    harness: WebHarness,
) -> None:
    rules = harness.config.rules
    set_rules(harness, ())
    ignored = send(harness, {"image": f"team/web:v1@{DIGEST}"})
    set_rules(harness, rules)

    new = replay(harness, ignored["delivery"])

    assert (ignored["outcome"], new["outcome"]) == ("ignored", "accepted")
    assert new["pushes"] == [{"image": "team/web:v1", "digest": DIGEST}]
    assert [sync["state"] for sync in syncs(harness).values()] == ["pending"]
    assert replay(harness, new["id"])["outcome"] == "accepted"


def test_a_push_that_still_matches_no_rule_is_ignored_again(harness: WebHarness) -> None:
    ignored = send(harness, {"image": "other/web:v1"})

    new = replay(harness, ignored["delivery"])

    assert (new["outcome"], new["reason"]) == ("ignored", "other/web:v1: no rule matches")


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "job-1"}])
def test_a_replay_is_no_duplicate_and_supersedes_open_syncs(
    harness: WebHarness, headers: Mapping[str, str]
) -> None:
    body = {"image": f"team/web:v1@{DIGEST}"}
    accepted = send(harness, body, headers)

    new = replay(harness, accepted["delivery"])

    [old_sync] = accepted["syncs"]
    current = syncs(harness)
    assert new["outcome"] == "accepted"
    assert ("superseded", new["syncs"][0]) == (
        current[old_sync["id"]]["state"],
        current[old_sync["id"]]["superseded_by"],
    )
    assert current[new["syncs"][0]]["state"] == "pending"
    again = send(harness, body, headers)
    assert ("duplicate", new["syncs"]) == (again["outcome"], [s["id"] for s in again["syncs"]])


def test_an_event_is_a_duplicate_of_its_replay(
    harness: WebHarness,
) -> None:
    headers = {"X-GitHub-Event": "package", "X-GitHub-Delivery": "one"}
    set_dialect(harness, "harbor")
    quarantined = send(harness, GITHUB, headers)
    set_dialect(harness, "github")
    new = replay(harness, quarantined["delivery"])

    again = send(harness, GITHUB, headers)

    assert (new["outcome"], new["external_id"]) == ("accepted", "one")
    assert ("duplicate", new["id"]) == (again["outcome"], again["delivery"])


def test_replaying_a_duplicate_is_refused_with_the_originals_id(harness: WebHarness) -> None:
    original = harness.push("team/web:v1").delivery
    harness.push("team/web:v1")
    duplicate = harness.client().get("/api/v1/deliveries?outcome=duplicate").get_json()["items"][0]

    expected = (409, f"it is a duplicate: replay the delivery {original}")
    assert expected == replay_error(harness, duplicate["id"])


def test_a_delivery_without_stored_content_cannot_be_replayed(harness: WebHarness) -> None:
    delivery = replace(image_entry("team/web:v1", outcome=Outcome.IGNORED), pushes=[])

    expected = (409, "it was ignored, and none of its pushes is stored")
    assert expected == replay_error(harness, harness.record(delivery).delivery)


def test_a_delivery_of_a_removed_sender_cannot_be_replayed(harness: WebHarness) -> None:
    delivery = harness.push("team/web:v1").delivery
    harness.config = replace(harness.config, senders={})

    assert replay_error(harness, delivery) == (409, "its sender, ci, is no longer configured")


def test_a_replay_that_is_refused_has_the_reason(harness: WebHarness) -> None:
    set_dialect(harness, "harbor")
    quarantined = send(harness, {"no": "image"})
    set_dialect(harness, "generic")

    status, detail = replay_error(harness, quarantined["delivery"])

    assert status == 409
    assert detail.startswith("the replay is refused: ")
    assert len(harness.client().get("/api/v1/deliveries").get_json()["items"]) == 1


def test_an_unknown_delivery_is_404(harness: WebHarness) -> None:
    expected = (404, "there is no delivery with this id")

    assert expected == replay_error(harness, "01J00000000000000000000000")


def test_a_replay_needs_the_role_operate(harness: WebHarness) -> None:
    delivery = harness.push("team/web:v1").delivery

    path = f"/api/v1/deliveries/{delivery}/replay"
    assert harness.client(READ).post(path).status_code == 403
    assert harness.client(OPERATE).get(path).status_code == 405


def test_a_replay_is_one_log_line_with_the_tokens_name(
    harness: WebHarness, capsys: pytest.CaptureFixture[str]
) -> None:
    delivery = send(harness, {"image": "team/web:v1"})["delivery"]
    logs.configure("json", "INFO")

    new = replay(harness, delivery)

    lines = json_lines(capsys.readouterr().out)
    [line] = [line for line in lines if line["event"] == "delivery.replayed"]
    del line["time"]
    assert line == {
        "event": "delivery.replayed",
        "level": "info",
        "delivery": new["id"],
        "replayed_from": delivery,
        "sender": "ci",
        "outcome": "accepted",
        "reason": None,
        "syncs": 1,
        "token": "ops",
    }


def test_replays_are_counted_apart_from_deliveries(harness: WebHarness) -> None:
    delivery = send(harness, {"image": "team/web:v1"})["delivery"]
    replay(harness, delivery)

    text = harness.client().get("/metrics").text

    assert 'swrhook_deliveries_replayed_total{outcome="accepted",sender="ci"} 1.0' in text
    assert 'swrhook_deliveries_total{outcome="accepted",sender="ci"} 1.0' in text


def test_a_replay_uses_the_senders_current_region(harness: WebHarness) -> None:
    ignored = harness.push("team/web:v1", outcome=Outcome.IGNORED, ago=timedelta(days=1)).delivery
    sender = replace(harness.config.senders["ci"], region="ap-southeast-1")
    harness.config = replace(harness.config, senders={"ci": sender})

    replay(harness, ignored)

    [sync] = syncs(harness).values()
    assert (sync["source_region"], sync["target_region"]) == ("ap-southeast-1", EAST.region)
    assert sync["created_at"] >= NOW.isoformat()[:19]
