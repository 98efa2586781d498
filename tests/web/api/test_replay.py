import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from swrhook import logs
from swrhook.model import Outcome
from swrhook.rules.match import Rule
from swrhook.rules.rulebook import Rulebook
from tests.web.parts import DIGEST, EAST, NOW, OPERATE, READ, SECRET, Parts, entry

GITHUB = {
    "action": "published",
    "package": {
        "name": "web",
        "package_type": "CONTAINER",
        "owner": {"login": "team"},
        "package_version": {"container_metadata": {"tag": {"name": "v1", "digest": DIGEST}}},
    },
}


def send(parts: Parts, content: object, headers: Mapping[str, str] = {}) -> dict[str, Any]:
    answer = parts.client(SECRET).post("/hooks/ci", json=content, headers=headers)
    body: dict[str, Any] = answer.get_json()
    return body


def replay(parts: Parts, delivery: str) -> dict[str, Any]:
    answer = parts.client(OPERATE).post(f"/api/v1/deliveries/{delivery}/replay")
    assert answer.status_code == 202, answer.text
    body: dict[str, Any] = answer.get_json()
    return body


def replay_error(parts: Parts, delivery: str) -> tuple[int, str]:
    answer = parts.client(OPERATE).post(f"/api/v1/deliveries/{delivery}/replay")
    return answer.status_code, answer.get_json()["detail"]


def set_dialect(parts: Parts, dialect: str) -> None:
    """Change the sender's dialect."""
    sender = replace(parts.config.senders["ci"], dialect=dialect)
    parts.config = replace(parts.config, senders={"ci": sender})


def set_rules(parts: Parts, rules: Sequence[Rule]) -> None:
    parts.config = replace(parts.config, rules=Rulebook(rules))


def syncs(parts: Parts) -> dict[str, dict[str, Any]]:
    return {sync["id"]: sync for sync in parts.client().get("/api/v1/syncs").get_json()["items"]}


def test_a_quarantined_delivery_is_read_with_the_current_dialect(parts: Parts) -> None:
    set_dialect(parts, "harbor")
    quarantined = send(parts, {"image": "team/web:v1"})
    set_dialect(parts, "generic")

    new = replay(parts, quarantined["delivery"])

    old = parts.client().get(f"/api/v1/deliveries/{quarantined['delivery']}").get_json()
    assert (old["outcome"], old["syncs"]) == ("quarantined", [])
    assert ("accepted", quarantined["delivery"]) == (new["outcome"], new["replayed_from"])
    assert new["pushes"] == [{"image": "team/web:v1", "digest": None}]
    assert new["syncs"] == list(syncs(parts))
    assert new == parts.client().get(f"/api/v1/deliveries/{new['id']}").get_json()


def test_a_delivery_that_is_still_not_understood_is_quarantined_again(parts: Parts) -> None:
    set_dialect(parts, "harbor")
    quarantined = send(parts, {"image": "team/web:v1"})

    new = replay(parts, quarantined["delivery"])

    assert (new["outcome"], new["syncs"]) == ("quarantined", [])
    set_dialect(parts, "generic")
    assert replay(parts, new["id"])["outcome"] == "accepted"


def test_an_ignored_deliverys_pushes_are_planned_with_the_current_rules(parts: Parts) -> None:
    rules = parts.config.rules
    set_rules(parts, ())
    ignored = send(parts, {"image": f"team/web:v1@{DIGEST}"})
    set_rules(parts, rules)

    new = replay(parts, ignored["delivery"])

    assert (ignored["outcome"], new["outcome"]) == ("ignored", "accepted")
    assert new["pushes"] == [{"image": "team/web:v1", "digest": DIGEST}]
    assert [sync["state"] for sync in syncs(parts).values()] == ["pending"]
    assert replay(parts, new["id"])["outcome"] == "accepted"


def test_a_push_that_still_matches_no_rule_is_ignored_again(parts: Parts) -> None:
    ignored = send(parts, {"image": "other/web:v1"})

    new = replay(parts, ignored["delivery"])

    assert (new["outcome"], new["reason"]) == ("ignored", "other/web:v1: no rule matches")


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "job-1"}])
def test_a_replay_is_no_duplicate_and_supersedes_open_syncs(
    parts: Parts, headers: Mapping[str, str]
) -> None:
    body = {"image": f"team/web:v1@{DIGEST}"}
    accepted = send(parts, body, headers)

    new = replay(parts, accepted["delivery"])

    [old_sync] = accepted["syncs"]
    current = syncs(parts)
    assert new["outcome"] == "accepted"
    assert ("superseded", new["syncs"][0]) == (
        current[old_sync["id"]]["state"],
        current[old_sync["id"]]["superseded_by"],
    )
    assert current[new["syncs"][0]]["state"] == "pending"
    again = send(parts, body, headers)
    assert ("duplicate", new["syncs"]) == (again["outcome"], [s["id"] for s in again["syncs"]])


def test_an_event_is_a_duplicate_of_its_replay(
    parts: Parts,
) -> None:
    headers = {"X-GitHub-Event": "package", "X-GitHub-Delivery": "one"}
    set_dialect(parts, "harbor")
    quarantined = send(parts, GITHUB, headers)
    set_dialect(parts, "github")
    new = replay(parts, quarantined["delivery"])

    again = send(parts, GITHUB, headers)

    assert (new["outcome"], new["external_id"]) == ("accepted", "one")
    assert ("duplicate", new["id"]) == (again["outcome"], again["delivery"])


def test_replaying_a_duplicate_is_refused_with_the_originals_id(parts: Parts) -> None:
    original = parts.push("team/web:v1").delivery
    parts.push("team/web:v1")
    duplicate = parts.client().get("/api/v1/deliveries?outcome=duplicate").get_json()["items"][0]

    expected = (409, f"it is a duplicate: replay the delivery {original}")
    assert expected == replay_error(parts, duplicate["id"])


def test_a_delivery_without_stored_content_cannot_be_replayed(parts: Parts) -> None:
    delivery = replace(entry("team/web:v1", outcome=Outcome.IGNORED), pushes=[])

    expected = (409, "it was ignored, and none of its pushes is stored")
    assert expected == replay_error(parts, parts.record(delivery).delivery)


def test_a_delivery_of_a_removed_sender_cannot_be_replayed(parts: Parts) -> None:
    delivery = parts.push("team/web:v1").delivery
    parts.config = replace(parts.config, senders={})

    assert replay_error(parts, delivery) == (409, "its sender, ci, is no longer configured")


def test_a_replay_that_is_refused_has_the_reason(parts: Parts) -> None:
    set_dialect(parts, "harbor")
    quarantined = send(parts, {"no": "image"})
    set_dialect(parts, "generic")

    status, detail = replay_error(parts, quarantined["delivery"])

    assert status == 409
    assert detail.startswith("the replay is refused: ")
    assert len(parts.client().get("/api/v1/deliveries").get_json()["items"]) == 1


def test_an_unknown_delivery_is_404(parts: Parts) -> None:
    expected = (404, "there is no delivery with this id")

    assert expected == replay_error(parts, "01J00000000000000000000000")


def test_a_replay_needs_the_role_operate(parts: Parts) -> None:
    delivery = parts.push("team/web:v1").delivery

    path = f"/api/v1/deliveries/{delivery}/replay"
    assert parts.client(READ).post(path).status_code == 403
    assert parts.client(OPERATE).get(path).status_code == 405


def test_a_replay_is_one_log_line_with_the_tokens_name(
    parts: Parts, capsys: pytest.CaptureFixture[str]
) -> None:
    delivery = send(parts, {"image": "team/web:v1"})["delivery"]
    logs.configure("json", "INFO")

    new = replay(parts, delivery)

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    [line] = [line for line in lines if line["event"] == "delivery.replayed"]
    del line["time"]
    assert {
        "event": "delivery.replayed",
        "level": "info",
        "delivery": new["id"],
        "replayed_from": delivery,
        "sender": "ci",
        "outcome": "accepted",
        "reason": None,
        "syncs": 1,
        "token": "ops",
    } == line


def test_replays_are_counted_apart_from_deliveries(parts: Parts) -> None:
    delivery = send(parts, {"image": "team/web:v1"})["delivery"]
    replay(parts, delivery)

    text = parts.client().get("/metrics").text

    assert 'swrhook_deliveries_replayed_total{outcome="accepted",sender="ci"} 1.0' in text
    assert 'swrhook_deliveries_total{outcome="accepted",sender="ci"} 1.0' in text


def test_a_replay_uses_the_senders_current_region(parts: Parts) -> None:
    ignored = parts.push("team/web:v1", outcome=Outcome.IGNORED, ago=timedelta(days=1)).delivery
    sender = replace(parts.config.senders["ci"], region="ap-southeast-1")
    parts.config = replace(parts.config, senders={"ci": sender})

    replay(parts, ignored)

    [sync] = syncs(parts).values()
    assert ("ap-southeast-1", EAST.region) == (sync["source_region"], sync["target_region"])
    assert sync["created_at"] >= NOW.isoformat()[:19]
