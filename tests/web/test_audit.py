"""Writes leave a trace, and a write that is sent again has one effect."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, text, update

from swrhook import logs
from swrhook.ledger.idempotency import LOST_AFTER, RETENTION
from swrhook.ledger.tables import idempotency_keys
from swrhook.syncs.states import Event
from tests.ledger.parts import everything
from tests.web.parts import ADMIN, OPERATE, READ, SECRET, Parts

ORDER = {"image": "team/web:v1", "source_region": "cn-north-4"}
RETRY = "POST /api/v1/syncs/<sync_id>/retry"


def writes(parts: Parts, query: str = "") -> list[tuple[Any, ...]]:
    answer = parts.client(ADMIN).get(f"/api/v1/audit?{query}")
    assert answer.status_code == 200, answer.text
    return [
        tuple(item[name] for name in ("token", "role", "action", "object", "status"))
        for item in answer.get_json()["items"]
    ]


def order(parts: Parts, key: str | None = None, token: str = OPERATE, **body: Any) -> Any:
    headers = {} if key is None else {"Idempotency-Key": key}
    return parts.client(token).post("/api/v1/syncs", json=ORDER | body, headers=headers)


def syncs(parts: Parts) -> list[Any]:
    items: list[Any] = parts.client().get("/api/v1/syncs").get_json()["items"]
    return items


def test_every_write_is_noted_with_who_what_and_how_it_ended(parts: Parts) -> None:
    sync = order(parts).get_json()["syncs"][0]["id"]
    client = parts.client(OPERATE)
    client.post(f"/api/v1/syncs/{sync}/retry")
    client.post("/api/v1/drain")
    parts.client(READ).post(f"/api/v1/syncs/{sync}/cancel")
    parts.client(ADMIN).post(f"/api/v1/syncs/{sync}/cancel")

    assert [
        ("root", "admin", "POST /api/v1/syncs/<sync_id>/cancel", sync, 202),
        ("dashboard", "read", "POST /api/v1/syncs/<sync_id>/cancel", sync, 403),
        ("ops", "operate", "POST /api/v1/drain", None, 403),
        ("ops", "operate", RETRY, sync, 409),
        ("ops", "operate", "POST /api/v1/syncs", "team/web:v1", 202),
    ] == writes(parts)


def test_reading_hooks_and_strangers_leave_no_trace(parts: Parts) -> None:
    parts.client(READ).get("/api/v1/syncs")
    parts.client(SECRET).post("/hooks/ci", json={"image": "team/web:v1"})
    parts.client(token=None).post("/api/v1/drain")
    parts.client(OPERATE).post("/api/v1/nothing")

    assert writes(parts) == []


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
def test_filters(parts: Parts, query: str, count: int) -> None:
    order(parts)
    parts.client(ADMIN).post("/api/v1/drain")

    assert count == len(writes(parts, query))


def test_pages_follow_each_other(parts: Parts) -> None:
    for _ in range(3):
        order(parts)
    client = parts.client(ADMIN)
    first = client.get("/api/v1/audit?limit=2").get_json()
    second = client.get(f"/api/v1/audit?limit=2&cursor={first['next']}").get_json()

    ids = [item["id"] for page in (first, second) for item in page["items"]]
    assert (sorted(ids, reverse=True), 3, None) == (ids, len(set(ids)), second["next"])


def test_only_an_admin_reads_the_trace(parts: Parts) -> None:
    assert parts.client(OPERATE).get("/api/v1/audit").status_code == 403


def test_a_write_that_cannot_be_noted_is_done_and_logged(
    parts: Parts, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("json", "INFO")
    with parts.database.write() as connection:
        connection.execute(text("DROP TABLE audit"))

    assert order(parts).status_code == 202
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["event"] for line in lines] == ["api.write", "api.write_not_kept"]
    assert tuple(lines[0][name] for name in ("token", "object", "status")) == (
        "ops",
        "team/web:v1",
        202,
    )


def test_the_same_key_has_one_effect_and_the_same_answer(parts: Parts) -> None:
    first, again = order(parts, "job-1"), order(parts, "job-1")

    assert (202, first.status_code) == (again.status_code, again.status_code)
    assert (first.data, first.content_type) == (again.data, again.content_type)
    assert (len(syncs(parts)), len(writes(parts))) == (1, 1)


def test_an_error_is_repeated_too(parts: Parts) -> None:
    sync = parts.push("team/web:v1").syncs[0].id
    client, headers = parts.client(OPERATE), {"Idempotency-Key": "job-1"}
    first = client.post(f"/api/v1/syncs/{sync}/retry", headers=headers)
    parts.happen(sync, Event.REJECT_BEFORE_CALL)
    again = client.post(f"/api/v1/syncs/{sync}/retry", headers=headers)

    assert (409, 409, first.data) == (first.status_code, again.status_code, again.data)


def test_the_same_key_with_another_body_is_422(parts: Parts) -> None:
    order(parts, "job-1")
    again = order(parts, "job-1", image="team/web:v2")

    assert again.status_code == 422
    assert again.get_json()["detail"] == "this Idempotency-Key was used for another request"
    assert len(syncs(parts)) == 1


def test_the_same_key_for_another_path_is_422(parts: Parts) -> None:
    sync = order(parts, "job-1").get_json()["syncs"][0]["id"]
    headers = {"Idempotency-Key": "job-1"}

    answer = parts.client(OPERATE).post(f"/api/v1/syncs/{sync}/cancel", headers=headers)

    assert (answer.status_code, syncs(parts)[0]["state"]) == (422, "pending")


def test_a_key_belongs_to_its_token(parts: Parts) -> None:
    order(parts, "job-1")

    assert (order(parts, "job-1", token=ADMIN).status_code, len(syncs(parts))) == (202, 2)


def took(parts: Parts, ago: timedelta, **more: Any) -> None:
    """Let the request with the only key have begun so long ago."""
    with parts.database.write() as connection:
        began = datetime.now(UTC) - ago
        connection.execute(update(idempotency_keys).values(started_at=began, **more))


def test_a_request_that_is_being_carried_out_is_409(parts: Parts) -> None:
    order(parts, "job-1")
    took(parts, timedelta(), status=None)

    answer = order(parts, "job-1")

    assert (answer.status_code, answer.headers["Retry-After"]) == (409, "1")


@pytest.mark.parametrize(("ago", "status"), [(LOST_AFTER, None), (RETENTION, 202)])
def test_a_key_is_free_again_when_its_request_was_lost_or_is_old(
    parts: Parts, ago: timedelta, status: int | None
) -> None:
    order(parts, "job-1")
    took(parts, ago + timedelta(seconds=1), status=status)

    assert (order(parts, "job-1").status_code, len(syncs(parts))) == (202, 2)


def test_what_failed_can_be_tried_again(parts: Parts) -> None:
    with parts.database.write() as connection:
        connection.execute(text("ALTER TABLE syncs RENAME TO gone"))
    failed = order(parts, "job-1").status_code
    with parts.database.write() as connection:
        connection.execute(text("ALTER TABLE gone RENAME TO syncs"))

    assert (failed, order(parts, "job-1").status_code) == (503, 202)


def test_old_answers_are_not_kept(parts: Parts) -> None:
    old = {"key": "k", "fingerprint": "f", "started_at": datetime.now(UTC) - RETENTION * 2}
    with parts.database.write() as connection:
        connection.execute(insert(idempotency_keys), old)
    order(parts, "job-1")

    assert [row["status"] for row in everything(parts.database, idempotency_keys)] == [202]


@pytest.mark.parametrize("key", ["", "x" * 256, "\xe4"])
def test_a_key_that_is_none_is_refused(parts: Parts, key: str) -> None:
    assert (order(parts, key).status_code, syncs(parts)) == (422, [])


def test_a_body_that_is_too_large_is_413(parts: Parts) -> None:
    body = b"[" + b" " * (1024 * 1024) + b"]"
    for headers in ({}, {"Idempotency-Key": "job-1"}):
        answer = parts.client(OPERATE).post(
            "/api/v1/syncs", data=body, content_type="application/json", headers=headers
        )
        assert (answer.status_code, answer.content_type) == (413, "application/problem+json")
