"""/api/v1/backfill and /api/v1/reconcile: begin, show, start, cancel, audit."""

from dataclasses import replace
from typing import Any

import pytest

from swrhook.ledger.findings import store_findings
from swrhook.ledger.queries import repairs as repair_queries
from swrhook.model import PlannedSync
from swrhook.service.snapshot import Pace
from swrhook.service.statistics import RepairCounts
from swrhook.syncs.reconciliation import Drift, Finding
from tests.factories import push
from tests.web.harness import ADMIN, EAST, OPERATE, READ, WebHarness

BACKFILL = {"repositories": ["team/web"]}
UNKNOWN = "01KB3Y6Q3Z0X4W1V7S5R2N8M9P"


def post(harness: WebHarness, path: str, body: Any = None, token: str = OPERATE) -> Any:
    return harness.client(token).post(f"/api/v1/{path}", json=body)


def begin(harness: WebHarness, path: str = "backfill", **body: Any) -> Any:
    answer = post(harness, path, (BACKFILL if path == "backfill" else {}) | body)
    assert answer.status_code == 202, answer.text
    return answer.get_json()


def test_a_backfill_uses_the_only_region_of_the_senders(harness: WebHarness) -> None:
    repair = begin(harness, rule="all")

    assert tuple(
        repair[name] for name in ("kind", "state", "repositories", "rule", "max_calls", "ended_at")
    ) == ("backfill", "comparing", ["cn-north-4/team/web"], "all", None, None)
    shown = harness.client().get(f"/api/v1/backfill/{repair['id']}").get_json()
    listed = harness.client().get("/api/v1/backfill").get_json()
    assert [shown, listed["items"]] == [repair, [repair]]


def test_a_reconcile_covers_everything_with_the_configured_budget(harness: WebHarness) -> None:
    repair = begin(harness, "reconcile", report=True)

    assert tuple(repair[name] for name in ("kind", "repositories", "report", "max_calls")) == (
        "reconcile",
        None,
        True,
        1000,
    )
    assert begin(harness, "reconcile", max_calls=7)["max_calls"] == 7


def test_a_backfill_is_not_found_under_reconcile(harness: WebHarness) -> None:
    repair = begin(harness)["id"]

    for method, path in [("get", ""), ("get", "/tags"), ("post", "/cancel")]:
        client = harness.client(OPERATE)
        answer = getattr(client, method)(f"/api/v1/reconcile/{repair}{path}")
        assert answer.status_code == 404, path
    assert harness.client().get("/api/v1/reconcile").get_json()["items"] == []


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        ("backfill", {"repositories": []}, "Length"),
        ("backfill", {"repositories": ["team/web:v1"]}, "must be namespace/repository"),
        ("backfill", {**BACKFILL, "sender": "other"}, "other is not a configured sender"),
        ("backfill", {**BACKFILL, "region": "eu-de"}, "no sender is configured for eu-de"),
        ("backfill", {**BACKFILL, "rule": "other"}, "there is no rule other"),
        ("reconcile", {"max_calls": 0}, "max_calls"),
        ("reconcile", {"repositories": ["web"]}, "must be namespace/repository"),
    ],
    ids=["none", "a tag", "sender", "region", "rule", "budget", "name"],
)
def test_an_invalid_request_is_refused_with_the_reason(
    harness: WebHarness, path: str, body: Any, reason: str
) -> None:
    answer = post(harness, path, body)

    assert answer.status_code == 422
    assert reason.lower() in answer.text.lower()


def store(harness: WebHarness, repair: str, *tags: str) -> None:
    found = [
        Finding(
            PlannedSync(push(tag), EAST, override=False, rule="all"),
            Drift.MISSING,
            target_digest=None,
            needs_sync=True,
        )
        for tag in tags
    ]
    with harness.database.write() as connection:
        store_findings(connection, repair, found, latest=False)


def test_a_large_repair_is_not_counted_for_each_request(
    harness: WebHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repair_queries, "MOST_COUNTED", 2)
    rarely = RepairCounts(harness.database, Pace(interval=3600, grace=0))
    harness.own_web(replace(harness.context, repair_counts=rarely))
    small, large = begin(harness)["id"], begin(harness)["id"]
    store(harness, small, "v1")
    store(harness, large, "v1", "v2", "v3")

    def missing() -> dict[str, int]:
        listed = harness.client().get("/api/v1/backfill").get_json()["items"]
        return {repair["id"]: repair["plan"]["missing"] for repair in listed}

    assert missing() == {small: 1, large: 3}
    store(harness, small, "v2")
    store(harness, large, "v4")
    assert missing() == {small: 2, large: 3}
    assert harness.client().get(f"/api/v1/backfill/{large}").get_json()["plan"]["missing"] == 3
    # In another stage it has other numbers.
    post(harness, f"backfill/{large}/cancel")
    assert missing() == {small: 2, large: 4}


def test_numbers_that_are_not_there_in_time_are_503(
    harness: WebHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repair_queries, "MOST_COUNTED", 0)
    monkeypatch.setattr(RepairCounts, "get", lambda *_args: None)
    repair = begin(harness)["id"]
    store(harness, repair, "v1")

    answer = harness.client().get(f"/api/v1/backfill/{repair}")
    assert (answer.status_code, "Retry-After" in answer.headers) == (503, True)


def test_only_a_plan_can_be_started(harness: WebHarness) -> None:
    repair = begin(harness)["id"]

    assert [post(harness, f"backfill/{id_}/start").status_code for id_ in (repair, UNKNOWN)] == [
        409,
        404,
    ]


def test_a_cancelled_backfill_has_ended(harness: WebHarness) -> None:
    repair = begin(harness)["id"]

    cancelled = post(harness, f"backfill/{repair}/cancel")
    again = post(harness, f"backfill/{repair}/cancel")

    assert (
        cancelled.status_code,
        cancelled.get_json()["state"],
        again.status_code,
    ) == (202, "cancelled", 409)
    assert cancelled.get_json()["ended_at"] is not None


def test_start_and_cancellation_are_in_the_audit_log(harness: WebHarness) -> None:
    repair = begin(harness)["id"]
    post(harness, f"backfill/{repair}/cancel", token=ADMIN)
    post(harness, "reconcile", {"repositories": ["team/web", "team/cart"]}, token=READ)

    audit = harness.client(ADMIN).get("/api/v1/audit").get_json()["items"]
    assert [
        tuple(row[name] for name in ("token", "action", "object", "status")) for row in audit
    ] == [
        ("dashboard", "POST /api/v1/reconcile", None, 403),
        ("root", "POST /api/v1/backfill/<repair_id>/cancel", repair, 202),
        ("ops", "POST /api/v1/backfill", "team/web", 202),
    ]


def test_a_repeated_request_starts_one_backfill(harness: WebHarness) -> None:
    headers = {"Idempotency-Key": "a-key"}
    client = harness.client(OPERATE)

    ids = [
        client.post("/api/v1/backfill", json=BACKFILL, headers=headers).get_json()["id"]
        for _ in range(2)
    ]

    assert len(set(ids)) == 1
