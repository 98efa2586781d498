"""POST /api/v1/syncs: orders by hand."""

from typing import Any

import pytest
from sqlalchemy import select

from swrhook.ledger.tables import syncs
from tests.factories import ready_lanes
from tests.web.harness import EAST, NOW, OPERATE, WebHarness


def order(harness: WebHarness, body: Any) -> tuple[int, dict[str, Any]]:
    answer = harness.client(OPERATE).post("/api/v1/syncs", json=body)
    return answer.status_code, answer.get_json()


def test_an_order_without_targets_follows_the_rules(harness: WebHarness) -> None:
    status, answer = order(harness, {"image": "team/web:v1", "source_region": "cn-north-4"})

    assert (status, list(answer)) == (202, ["syncs"])
    [sync] = answer["syncs"]
    assert (
        sync["state"],
        sync["rule"],
        sync["sender"],
        sync["delivery"],
        sync["target_region"],
        sync["target_namespace"],
    ) == ("pending", "all", "ci", None, "cn-east-3", "team")
    assert harness.client().get("/api/v1/syncs").get_json()["items"] == [sync]
    assert [lane.target for lane in ready_lanes(harness.database)] == [EAST]


def test_an_order_is_due_now_by_the_clock_of_the_ledger(harness: WebHarness) -> None:
    # The clock of this machine, which other machines need not share, is another one.
    body = {"image": "team/web:v1", "source_region": "cn-north-4"}
    order(harness, body)

    with harness.database.read() as connection:
        times = connection.execute(select(syncs.c.due_at, syncs.c.created_at)).all()
    assert [*map(tuple, times)] == [(NOW, NOW)]


def test_an_order_creates_one_sync_per_target(harness: WebHarness) -> None:
    targets = [
        {"region": "ap-southeast-1", "namespace": "team-hk", "override": True},
        {"region": "cn-east-3", "namespace": "team"},
        {"region": "cn-east-3", "namespace": "team", "override": True},
    ]
    body = {"image": "other/web:v1", "source_region": "cn-north-4", "targets": targets}

    status, answer = order(harness, body)

    shown = [(s["target_region"], s["override"], s["rule"], s["sender"]) for s in answer["syncs"]]
    assert status == 202
    assert set(shown) == {
        ("ap-southeast-1", True, "(manual)", "(manual)"),
        ("cn-east-3", False, "(manual)", "(manual)"),
    }


def test_an_order_with_targets_keeps_its_override_when_retried(
    harness: WebHarness,
) -> None:
    target = {"region": "cn-east-3", "namespace": "team", "override": True}
    body = {"image": "team/web:v1", "source_region": "cn-north-4", "targets": [target]}
    sync = order(harness, body)[1]["syncs"][0]["id"]
    client = harness.client(OPERATE)
    client.post(f"/api/v1/syncs/{sync}/cancel")

    retried = client.post(f"/api/v1/syncs/{sync}/retry").get_json()

    assert (retried["override"], retried["rule"]) == (True, "(manual)")


def test_an_order_supersedes_an_open_sync(harness: WebHarness) -> None:
    earlier = harness.push("team/web:v1").syncs[0].id

    _, answer = order(harness, {"image": "team/web:v1", "source_region": "cn-north-4"})

    old = harness.client().get(f"/api/v1/syncs/{earlier}").get_json()
    assert ("superseded", answer["syncs"][0]["id"]) == (old["state"], old["superseded_by"])


IMAGE = "image: must be namespace/repository:tag, with names that SWR allows"


@pytest.mark.parametrize(
    ("body", "reasons"),
    [
        (
            {},
            [
                "image: Missing data for required field.",
                "source_region: Missing data for required field.",
            ],
        ),
        ({"image": "team/web", "source_region": "cn-north-4"}, [IMAGE]),
        ({"image": "Team/web:v1", "source_region": "cn-north-4"}, [IMAGE]),
        ({"image": 7, "source_region": "cn-north-4"}, [IMAGE]),
        (
            {"image": "other/web:v1", "source_region": "cn-north-4"},
            ["other/web:v1: no rule matches"],
        ),
        (
            {"image": "team/web:v1", "source_region": "mars"},
            ["source_region: mars is not a region under swr.regions"],
        ),
        (
            {"image": "team/web:v1", "source_region": "cn-east-3"},
            ["source_region: no sender is configured for cn-east-3: specify targets"],
        ),
        (
            {"image": "team/web:v1", "source_region": "cn-north-4", "targets": []},
            ["targets: Length must be between 1 and 100."],
        ),
        (
            {
                "image": "team/web:v1",
                "source_region": "cn-north-4",
                "targets": [
                    {"region": "mars", "namespace": "team"},
                    {"region": "cn-north-4", "namespace": "Team"},
                ],
            },
            [
                "targets.0: mars is not a region under swr.regions",
                "targets.1: the image is already in cn-north-4",
                'targets.1: SWR allows no organization named "Team"',
            ],
        ),
        (
            {"image": "team/web:v1", "source_region": "cn-north-4", "tragets": []},
            ["tragets: Unknown field."],
        ),
    ],
)
def test_an_invalid_order_is_refused_with_every_reason(
    harness: WebHarness, body: dict[str, Any], reasons: list[str]
) -> None:
    status, problem = order(harness, body)

    assert (status, problem["reasons"]) == (422, reasons)
    assert harness.client().get("/api/v1/syncs").get_json()["items"] == []


def test_json_that_is_nested_too_deeply_is_413(harness: WebHarness) -> None:
    answer = harness.client(OPERATE).post(
        "/api/v1/syncs", data=b"[" * 100_000, content_type="application/json"
    )

    assert (answer.status_code, answer.content_type) == (413, "application/problem+json")
