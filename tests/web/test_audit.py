"""Every write of the API and the dashboard is recorded with the token that made it."""

from secrets import token_hex

import pytest
from sqlalchemy import text

from swrhook import logs
from swrhook.web.access import LONGEST_OBJECT
from tests.json_lines import json_lines
from tests.web.harness import ADMIN, OPERATE, READ, SECRET, WebHarness, order, writes

RETRY = "POST /api/v1/syncs/<sync_id>/retry"


def test_every_write_is_recorded_with_token_object_and_status(harness: WebHarness) -> None:
    sync = order(harness).get_json()["syncs"][0]["id"]
    client = harness.client(OPERATE)
    client.post(f"/api/v1/syncs/{sync}/retry")
    client.post("/api/v1/drain")
    harness.client(READ).post(f"/api/v1/syncs/{sync}/cancel")
    harness.client(ADMIN).post(f"/api/v1/syncs/{sync}/cancel")

    assert writes(harness) == [
        ("root", "admin", "POST /api/v1/syncs/<sync_id>/cancel", sync, 202),
        ("dashboard", "read", "POST /api/v1/syncs/<sync_id>/cancel", sync, 403),
        ("ops", "operate", "POST /api/v1/drain", None, 403),
        ("ops", "operate", RETRY, sync, 409),
        ("ops", "operate", "POST /api/v1/syncs", "team/web:v1", 202),
    ]


def test_reads_hooks_and_invalid_tokens_are_not_recorded(harness: WebHarness) -> None:
    harness.client(READ).get("/api/v1/syncs")
    harness.client(SECRET).post("/hooks/ci", json={"image": "team/web:v1"})
    harness.client(token=None).post("/api/v1/drain")
    harness.client(OPERATE).post("/api/v1/nothing")

    assert writes(harness) == []


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("token=root", 1),
        ("token=ops", 1),
        ("action=POST /api/v1/drain", 1),
        ("object=team/web:v1", 1),
        ("object=team/web:v2", 0),
        ("since=1h", 2),
        ("limit=1", 1),
    ],
)
def test_filters(harness: WebHarness, query: str, count: int) -> None:
    order(harness)
    harness.client(ADMIN).post("/api/v1/drain")

    assert len(writes(harness, query)) == count


def test_pages_follow_each_other(harness: WebHarness) -> None:
    for _ in range(3):
        order(harness)
    client = harness.client(ADMIN)
    first = client.get("/api/v1/audit?limit=2").get_json()
    second = client.get(f"/api/v1/audit?limit=2&cursor={first['next']}").get_json()

    ids = [item["id"] for page in (first, second) for item in page["items"]]
    assert (sorted(ids, reverse=True), 3, None) == (ids, len(set(ids)), second["next"])


def test_only_an_admin_can_read_the_audit_log(harness: WebHarness) -> None:
    assert harness.client(OPERATE).get("/api/v1/audit").status_code == 403


def test_a_write_that_cannot_be_recorded_is_carried_out_and_logged(
    harness: WebHarness, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("json", "INFO")
    with harness.database.write() as connection:
        connection.execute(text("DROP TABLE audit"))

    assert order(harness).status_code == 202
    lines = json_lines(capsys.readouterr().out)
    assert [line["event"] for line in lines] == ["api.write", "api.write_not_kept"]
    assert tuple(lines[0][name] for name in ("token", "object", "status")) == (
        "ops",
        "team/web:v1",
        202,
    )


def test_a_long_name_does_not_keep_a_write_out_of_the_audit_log(harness: WebHarness) -> None:
    """An index of PostgreSQL has no room for it, and the row could not be inserted."""
    name = token_hex(3000)
    harness.client(OPERATE).post(f"/api/v1/deliveries/{name}/replay")
    harness.client(OPERATE).post("/api/v1/pause", json={"region": name})

    paused = f"region {name}"[:LONGEST_OBJECT]
    assert [row[3] for row in writes(harness)] == [paused, name[:LONGEST_OBJECT]]
