"""Large deliveries in the API: totals in place of lists, and waits while they are expanded."""

from typing import Any

import pytest
from sqlalchemy import select

from swrhook.ledger.expansion import due_expansions, expand_portion, postpone
from swrhook.ledger.portions import LARGE, pack
from swrhook.ledger.tables import syncs
from swrhook.model import DeliveryEntry, Outcome, PlannedSync, Push, Receipt
from swrhook.syncs.states import Event
from tests.web.harness import DIGEST, EAST, NOW, OPERATE, WebHarness, image_entry

MANY = LARGE + 101
FIRST, LAST = "team/web:v0", f"team/web:v{MANY - 1}"


def large(event_id: str | None = None, **changes: Any) -> DeliveryEntry:
    pushes = [
        Push("ci", "cn-north-4", "team", "web", f"v{n}", DIGEST, event_id) for n in range(MANY)
    ]
    values: dict[str, Any] = {
        "sender": "ci",
        "dialect": "generic",
        "outcome": Outcome.ACCEPTED,
        "reason": None,
        "received_at": NOW,
        "rules_version": "0123456789ab",
        "dedup_window": image_entry("team/web:v1").dedup_window,
        "external_id": event_id,
        "pushes": pushes,
        "planned": [PlannedSync(push, EAST, override=False, rule="all") for push in pushes],
    }
    return pack(DeliveryEntry(**(values | changes)))


def expand(harness: WebHarness, portions: int = MANY) -> None:
    for _ in range(portions):
        with harness.database.write() as connection:
            for due in due_expansions(connection, NOW)[:1]:
                expand_portion(connection, due, NOW)


def verify_all(harness: WebHarness) -> None:
    with harness.database.read() as connection:
        recorded = connection.scalars(select(syncs.c.id).where(syncs.c.state == "pending")).all()
    for sync_id in recorded:
        harness.happen(sync_id, Event.VERIFY_WITHOUT_CALL)


def wait(harness: WebHarness, receipt: Receipt, image: str, delivery: str | None = None) -> int:
    query = f"image={image}&delivery={delivery or receipt.delivery}&timeout=0&max_age=24h"
    return harness.client().get(f"/api/v1/wait?{query}").status_code


def listed(harness: WebHarness, url: str) -> list[Any]:
    """Return the items of all pages."""
    items: list[Any] = []
    cursor = ""
    while True:
        page = harness.client().get(f"{url}&limit=400{cursor}").get_json()
        items += page["items"]
        if page["next"] is None:
            return items
        cursor = f"&cursor={page['next']}"


@pytest.mark.parametrize("portions", [0, 3, MANY])
def test_an_item_has_totals_in_place_of_lists(harness: WebHarness, portions: int) -> None:
    receipt = harness.record(large())
    expand(harness, portions)

    item = harness.client().get(f"/api/v1/deliveries/{receipt.delivery}").get_json()

    assert (item["pushes"], item["pushes_total"]) == ([], MANY)
    assert (item["syncs"], item["syncs_total"]) == ([], MANY)
    assert item["syncs_url"] == f"/api/v1/syncs?delivery={receipt.delivery}"
    assert item["expanding"] is (portions < MANY)
    assert harness.client().get("/api/v1/deliveries").get_json()["items"] == [item]


def test_the_address_lists_the_syncs_of_the_delivery_only(harness: WebHarness) -> None:
    harness.push("team/web:before")
    receipt = harness.record(large())
    harness.push("team/web:after")
    expand(harness)

    items = listed(harness, f"/api/v1/syncs?delivery={receipt.delivery}")
    filtered = listed(harness, f"/api/v1/syncs?delivery={receipt.delivery}&image={LAST}")

    assert sorted(item["tag"] for item in items) == sorted(f"v{n}" for n in range(MANY))
    assert [item["tag"] for item in filtered] == [f"v{MANY - 1}"]


def test_pushes_that_repeat_earlier_ones_have_their_syncs(harness: WebHarness) -> None:
    earlier = harness.push("team/web:v7", ago=image_entry("a/b:c").dedup_window / 2)
    receipt = harness.record(large())
    expand(harness)

    items = listed(harness, f"/api/v1/syncs?delivery={receipt.delivery}")

    assert len({item["id"] for item in items}) == len(items) == MANY
    assert earlier.syncs[0].id in {item["id"] for item in items}


def test_a_duplicate_has_the_syncs_of_its_original(harness: WebHarness) -> None:
    receipt = harness.record(large("e1"))
    assert harness.record(large("e1")).delivery == receipt.delivery
    duplicate = harness.client().get("/api/v1/deliveries").get_json()["items"][0]
    expand(harness)

    items = listed(harness, duplicate["syncs_url"])

    assert (duplicate["outcome"], duplicate["syncs_total"]) == ("duplicate", MANY)
    assert (len(items), {item["delivery"] for item in items}) == (MANY, {receipt.delivery})


def test_the_syncs_of_a_small_delivery_are_listed_too(harness: WebHarness) -> None:
    first, other = harness.push("team/web:v1"), harness.push("team/web:v2")
    again = harness.push("team/web:v1")

    lists = [
        [item["id"] for item in listed(harness, f"/api/v1/syncs?delivery={receipt.delivery}")]
        for receipt in (first, other, again)
    ]

    assert lists == [[first.syncs[0].id], [other.syncs[0].id], [first.syncs[0].id]]
    assert listed(harness, "/api/v1/syncs?delivery=01J00000000000000000000000") == []


def test_a_wait_is_open_until_the_delivery_is_expanded(harness: WebHarness) -> None:
    receipt = harness.record(large())
    statuses = [wait(harness, receipt, FIRST)]  # nothing is recorded: not 404
    expand(harness, 1)
    verify_all(harness)
    statuses.append(wait(harness, receipt, FIRST))  # all that is recorded is verified: not 200
    expand(harness)
    verify_all(harness)
    statuses.append(wait(harness, receipt, FIRST))

    assert statuses == [408, 408, 200]
    assert wait(harness, receipt, "team/web:unknown") == 404


def test_a_wait_for_a_duplicate_is_open_until_its_original_is_expanded(
    harness: WebHarness,
) -> None:
    receipt = harness.record(large("e1"))
    harness.record(large("e1"))
    duplicate = harness.client().get("/api/v1/deliveries").get_json()["items"][0]["id"]

    statuses = [wait(harness, receipt, LAST, duplicate)]
    expand(harness)
    verify_all(harness)
    statuses.append(wait(harness, receipt, LAST, duplicate))

    assert statuses == [408, 200]


def test_an_explanation_names_what_is_expanding(harness: WebHarness) -> None:
    receipt = harness.record(large())
    expand(harness, 1)
    with harness.database.write() as connection:
        postpone(connection, due_expansions(connection, NOW)[0], NOW)

    answer = harness.client().get(f"/api/v1/explain?image={LAST}").get_json()
    [expansion] = answer["expanding"]

    assert (expansion["delivery"], expansion["pushes_total"]) == (receipt.delivery, MANY)
    assert 0 < expansion["pushes_left"] < MANY
    assert f"delivery {receipt.delivery} of ci" in answer["summary"]
    assert "is expanding, and waits until its sender has fewer open syncs" in answer["summary"]

    expand(harness)
    answer = harness.client().get(f"/api/v1/explain?image={LAST}").get_json()
    assert (answer["expanding"], "is expanding" in answer["summary"]) == ([], False)


def test_the_metrics_count_what_is_expanding(harness: WebHarness) -> None:
    harness.record(large())

    text = harness.client().get("/metrics").text

    assert 'swrhook_expanding_deliveries{sender="ci"} 1.0' in text
    assert f'swrhook_expanding_pushes{{sender="ci"}} {float(MANY)}' in text
    assert 'swrhook_deliveries_over_max_open{sender="ci"} 0.0' in text


def test_a_large_delivery_can_be_replayed_before_it_is_expanded(harness: WebHarness) -> None:
    receipt = harness.record(large(body=b'{"image": "team/web:v1"}'))

    answer = harness.client(OPERATE).post(f"/api/v1/deliveries/{receipt.delivery}/replay")

    assert (answer.status_code, answer.get_json()["replayed_from"]) == (202, receipt.delivery)


def test_one_without_a_body_cannot_be_replayed_before_it_is_expanded(harness: WebHarness) -> None:
    ignored = harness.record(large(outcome=Outcome.IGNORED, planned=()))

    answer = harness.client(OPERATE).post(f"/api/v1/deliveries/{ignored.delivery}/replay")
    expand(harness)

    assert answer.status_code == 409
    assert "still being recorded" in answer.get_json()["detail"]
