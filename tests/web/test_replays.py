import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from swrhook import logs
from swrhook.model import Outcome
from swrhook.rules import Rule, Rulebook
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


def send(parts: Parts, body: object, headers: Mapping[str, str] = {}) -> dict[str, Any]:
    answer = parts.client(SECRET).post("/hooks/ci", json=body, headers=headers)
    found: dict[str, Any] = answer.get_json()
    return found


def replayed(parts: Parts, delivery: str) -> dict[str, Any]:
    answer = parts.client(OPERATE).post(f"/api/v1/deliveries/{delivery}/replay")
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def refused(parts: Parts, delivery: str) -> tuple[int, str]:
    answer = parts.client(OPERATE).post(f"/api/v1/deliveries/{delivery}/replay")
    return answer.status_code, answer.get_json()["detail"]


def speak(parts: Parts, dialect: str) -> None:
    """Let the sender be of another dialect from now on."""
    sender = replace(parts.config.senders["ci"], dialect=dialect)
    parts.config = replace(parts.config, senders={"ci": sender})


def let_rules_be(parts: Parts, rules: Sequence[Rule]) -> None:
    parts.config = replace(parts.config, rules=Rulebook(rules))


def syncs(parts: Parts) -> dict[str, dict[str, Any]]:
    return {sync["id"]: sync for sync in parts.client().get("/api/v1/syncs").get_json()["items"]}


def test_a_quarantined_delivery_is_read_again_by_the_dialect_of_now(parts: Parts) -> None:
    speak(parts, "harbor")
    quarantined = send(parts, {"image": "team/web:v1"})
    speak(parts, "generic")

    new = replayed(parts, quarantined["delivery"])

    old = parts.client().get(f"/api/v1/deliveries/{quarantined['delivery']}").get_json()
    assert (old["outcome"], old["syncs"]) == ("quarantined", [])
    assert ("accepted", quarantined["delivery"]) == (new["outcome"], new["replayed_from"])
    assert new["pushes"] == [{"image": "team/web:v1", "digest": None}]
    assert new["syncs"] == list(syncs(parts))
    assert new == parts.client().get(f"/api/v1/deliveries/{new['id']}").get_json()


def test_what_is_still_not_known_is_quarantined_again(parts: Parts) -> None:
    speak(parts, "harbor")
    quarantined = send(parts, {"image": "team/web:v1"})

    new = replayed(parts, quarantined["delivery"])

    assert (new["outcome"], new["syncs"]) == ("quarantined", [])
    speak(parts, "generic")
    assert replayed(parts, new["id"])["outcome"] == "accepted"


def test_the_pushes_of_an_ignored_delivery_are_planned_by_the_rules_of_now(parts: Parts) -> None:
    rules = parts.config.rules
    let_rules_be(parts, ())
    ignored = send(parts, {"image": f"team/web:v1@{DIGEST}"})
    let_rules_be(parts, rules)

    new = replayed(parts, ignored["delivery"])

    assert (ignored["outcome"], new["outcome"]) == ("ignored", "accepted")
    assert new["pushes"] == [{"image": "team/web:v1", "digest": DIGEST}]
    assert [sync["state"] for sync in syncs(parts).values()] == ["pending"]
    assert replayed(parts, new["id"])["outcome"] == "accepted"


def test_a_push_that_still_no_rule_wants_is_ignored_again_with_the_reason(parts: Parts) -> None:
    ignored = send(parts, {"image": "other/web:v1"})

    new = replayed(parts, ignored["delivery"])

    assert (new["outcome"], new["reason"]) == ("ignored", "other/web:v1: no rule matches")


@pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "job-1"}])
def test_a_replay_is_no_duplicate_and_its_syncs_supersede_the_open_ones(
    parts: Parts, headers: Mapping[str, str]
) -> None:
    body = {"image": f"team/web:v1@{DIGEST}"}
    accepted = send(parts, body, headers)

    new = replayed(parts, accepted["delivery"])

    [old_sync] = accepted["syncs"]
    found = syncs(parts)
    assert new["outcome"] == "accepted"
    assert ("superseded", new["syncs"][0]) == (
        found[old_sync["id"]]["state"],
        found[old_sync["id"]]["superseded_by"],
    )
    assert found[new["syncs"][0]]["state"] == "pending"
    again = send(parts, body, headers)
    assert ("duplicate", new["syncs"]) == (again["outcome"], [s["id"] for s in again["syncs"]])


def test_an_event_that_was_quarantined_and_replayed_is_a_duplicate_when_it_comes_again(
    parts: Parts,
) -> None:
    headers = {"X-GitHub-Event": "package", "X-GitHub-Delivery": "one"}
    speak(parts, "harbor")
    quarantined = send(parts, GITHUB, headers)
    speak(parts, "github")
    new = replayed(parts, quarantined["delivery"])

    again = send(parts, GITHUB, headers)

    assert (new["outcome"], new["external_id"]) == ("accepted", "one")
    assert ("duplicate", new["id"]) == (again["outcome"], again["delivery"])


def test_a_duplicate_names_what_to_replay(parts: Parts) -> None:
    original = parts.push("team/web:v1").delivery
    parts.push("team/web:v1")
    duplicate = parts.client().get("/api/v1/deliveries?outcome=duplicate").get_json()["items"][0]

    expected = (409, f"it is a duplicate: replay the delivery {original}")
    assert expected == refused(parts, duplicate["id"])


def test_what_is_not_kept_cannot_be_replayed(parts: Parts) -> None:
    kept = replace(entry("team/web:v1", outcome=Outcome.IGNORED), pushes=[])

    expected = (409, "it was ignored, and none of its pushes is stored")
    assert expected == refused(parts, parts.record(kept).delivery)


def test_a_sender_that_is_gone_cannot_be_read(parts: Parts) -> None:
    delivery = parts.push("team/web:v1").delivery
    parts.config = replace(parts.config, senders={})

    assert refused(parts, delivery) == (409, "its sender, ci, is no longer configured")


def test_what_is_refused_when_it_is_read_again_says_why(parts: Parts) -> None:
    speak(parts, "harbor")
    quarantined = send(parts, {"no": "image"})
    speak(parts, "generic")

    status, detail = refused(parts, quarantined["delivery"])

    assert status == 409
    assert detail.startswith("the replay is refused: ")
    assert len(parts.client().get("/api/v1/deliveries").get_json()["items"]) == 1


def test_an_unknown_delivery_is_404(parts: Parts) -> None:
    expected = (404, "there is no delivery with this id")

    assert expected == refused(parts, "01J00000000000000000000000")


def test_reading_is_not_enough(parts: Parts) -> None:
    delivery = parts.push("team/web:v1").delivery

    path = f"/api/v1/deliveries/{delivery}/replay"
    assert parts.client(READ).post(path).status_code == 403
    assert parts.client(OPERATE).get(path).status_code == 405


def test_a_replay_is_one_line_with_the_name_of_the_token(
    parts: Parts, capsys: pytest.CaptureFixture[str]
) -> None:
    delivery = send(parts, {"image": "team/web:v1"})["delivery"]
    logs.configure("json", "INFO")

    new = replayed(parts, delivery)

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


def test_replays_are_counted_and_are_none_of_the_senders(parts: Parts) -> None:
    delivery = send(parts, {"image": "team/web:v1"})["delivery"]
    replayed(parts, delivery)

    text = parts.client().get("/metrics").text

    assert 'swrhook_deliveries_replayed_total{outcome="accepted",sender="ci"} 1.0' in text
    assert 'swrhook_deliveries_total{outcome="accepted",sender="ci"} 1.0' in text


def test_the_region_of_a_push_is_the_one_that_the_source_has_now(parts: Parts) -> None:
    ignored = parts.push("team/web:v1", outcome=Outcome.IGNORED, ago=timedelta(days=1)).delivery
    sender = replace(parts.config.senders["ci"], region="ap-southeast-1")
    parts.config = replace(parts.config, senders={"ci": sender})

    replayed(parts, ignored)

    [sync] = syncs(parts).values()
    assert ("ap-southeast-1", EAST.region) == (sync["source_region"], sync["target_region"])
    assert sync["created_at"] >= NOW.isoformat()[:19]
