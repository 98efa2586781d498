from collections.abc import Sequence
from datetime import timedelta

import pytest

from swrhook.model import Outcome
from tests.web.harness import DIGEST, EAST, HONG_KONG, NOW, WebHarness


def test_a_delivery_has_the_documented_members_in_order(harness: WebHarness) -> None:
    receipt = harness.push("team/web:v1", EAST, HONG_KONG, reason="team/x: no rule matches")

    answer = harness.client().get("/api/v1/deliveries")

    expected = {
        "id": receipt.delivery,
        "sender": "ci",
        "dialect": "generic",
        "outcome": "accepted",
        "reason": "team/x: no rule matches",
        "received_at": NOW.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "external_id": "42",
        "pushes": [{"image": "team/web:v1", "digest": DIGEST}],
        "pushes_total": 1,
        "syncs": sorted(sync.id for sync in receipt.syncs),
        "syncs_total": 2,
        "syncs_url": f"/api/v1/syncs?delivery={receipt.delivery}",
        "expanding": False,
        "replayed_from": None,
        "original": None,
        "duplicate_by": None,
        "answered": None,
        "client_address": None,
        "took_ms": None,
    }
    assert answer.get_json() == {"items": [expected], "next": None}
    assert list(expected) == list(answer.get_json()["items"][0])


def test_a_delivery_can_be_read_by_id(harness: WebHarness) -> None:
    receipt = harness.push("team/web:v1")
    client = harness.client()

    listed = client.get("/api/v1/deliveries").get_json()["items"][0]

    assert listed == client.get(f"/api/v1/deliveries/{receipt.delivery}").get_json()
    assert client.get("/api/v1/deliveries/01J00000000000000000000000").status_code == 404


def test_a_duplicate_names_the_syncs_of_the_push_that_it_repeats(harness: WebHarness) -> None:
    receipt = harness.push("team/web:v1")
    harness.push("team/web:v1")

    duplicate, original = harness.client().get("/api/v1/deliveries").get_json()["items"]

    assert (duplicate["outcome"], original["outcome"]) == ("duplicate", "accepted")
    assert (duplicate["original"], duplicate["duplicate_by"]) == (original["id"], "digest")
    assert [receipt.syncs[0].id] == duplicate["syncs"] == original["syncs"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["v1", "v2", "v3", "v4"]),
        ("sender=ci", ["v1", "v2", "v4"]),
        ("sender=nobody", []),
        ("outcome=ignored", ["v2", "v3"]),
        ("sender=harbor&outcome=ignored", ["v3"]),
        ("sender=ci&outcome=quarantined", ["v4"]),
        ("since=90m", ["v2", "v3", "v4"]),
    ],
)
def test_filters(harness: WebHarness, query: str, expected: Sequence[str]) -> None:
    harness.push("team/web:v1", ago=timedelta(hours=2))
    harness.push("team/web:v2", outcome=Outcome.IGNORED)
    harness.push("team/web:v3", outcome=Outcome.IGNORED, sender="harbor")
    harness.push("team/web:v4", outcome=Outcome.QUARANTINED)

    items = harness.client().get(f"/api/v1/deliveries?{query}").get_json()["items"]

    tags = [item["pushes"][0]["image"].removeprefix("team/web:") for item in items]
    assert sorted(tags) == expected


def test_pages_have_neither_gaps_nor_repetitions(harness: WebHarness) -> None:
    recorded = {harness.push(f"team/web:v{number}").delivery for number in range(5)}
    client = harness.client()
    first = client.get("/api/v1/deliveries?limit=3").get_json()
    second = client.get(f"/api/v1/deliveries?limit=3&cursor={first['next']}").get_json()

    assert (len(first["items"]), len(second["items"]), second["next"]) == (3, 2, None)
    assert recorded == {item["id"] for page in (first, second) for item in page["items"]}


def test_an_unknown_outcome_is_refused(harness: WebHarness) -> None:
    answer = harness.client().get("/api/v1/deliveries?outcome=lost")

    [reason] = answer.get_json()["reasons"]
    assert answer.status_code == 422
    assert reason == "outcome: Must be one of: accepted, ignored, duplicate, quarantined."
