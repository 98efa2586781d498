from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, text, update

from swrhook.ledger.idempotency import LOST_AFTER, RETENTION
from swrhook.ledger.tables import idempotency_keys
from swrhook.syncs.states import Event
from tests.ledger.parts import everything
from tests.web.parts import ADMIN, OPERATE, Parts

ORDER = {"image": "team/web:v1", "source_region": "cn-north-4"}


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


def test_a_repeated_key_has_one_effect_and_the_same_answer(parts: Parts) -> None:
    first, again = order(parts, "job-1"), order(parts, "job-1")

    assert (202, first.status_code) == (again.status_code, again.status_code)
    assert (first.data, first.content_type) == (again.data, again.content_type)
    assert (len(syncs(parts)), len(writes(parts))) == (1, 1)


def test_a_client_error_is_stored_too(parts: Parts) -> None:
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


def set_start(parts: Parts, ago: timedelta, **more: Any) -> None:
    """Set when the request with the only key began."""
    with parts.database.write() as connection:
        began = datetime.now(UTC) - ago
        connection.execute(update(idempotency_keys).values(started_at=began, **more))


def test_a_key_whose_request_is_in_progress_is_409(parts: Parts) -> None:
    order(parts, "job-1")
    set_start(parts, timedelta(), status=None)

    answer = order(parts, "job-1")

    assert (answer.status_code, answer.headers["Retry-After"]) == (409, "1")


@pytest.mark.parametrize(("ago", "status"), [(LOST_AFTER, None), (RETENTION, 202)])
def test_a_key_is_free_again_after_a_lost_request_or_the_retention_time(
    parts: Parts, ago: timedelta, status: int | None
) -> None:
    order(parts, "job-1")
    set_start(parts, ago + timedelta(seconds=1), status=status)

    assert (order(parts, "job-1").status_code, len(syncs(parts))) == (202, 2)


def test_a_server_error_frees_the_key(parts: Parts) -> None:
    with parts.database.write() as connection:
        connection.execute(text("ALTER TABLE syncs RENAME TO gone"))
    failed = order(parts, "job-1").status_code
    with parts.database.write() as connection:
        connection.execute(text("ALTER TABLE gone RENAME TO syncs"))

    assert (failed, order(parts, "job-1").status_code) == (503, 202)


def test_old_answers_are_deleted(parts: Parts) -> None:
    old = {"key": "k", "fingerprint": "f", "started_at": datetime.now(UTC) - RETENTION * 2}
    with parts.database.write() as connection:
        connection.execute(insert(idempotency_keys), old)
    order(parts, "job-1")

    assert [row["status"] for row in everything(parts.database, idempotency_keys)] == [202]


@pytest.mark.parametrize("key", ["", "x" * 256, "\xe4"])
def test_an_invalid_key_is_refused(parts: Parts, key: str) -> None:
    assert (order(parts, key).status_code, syncs(parts)) == (422, [])


def test_a_body_that_is_too_large_is_413(parts: Parts) -> None:
    body = b"[" + b" " * (1024 * 1024) + b"]"
    for headers in ({}, {"Idempotency-Key": "job-1"}):
        answer = parts.client(OPERATE).post(
            "/api/v1/syncs", data=body, content_type="application/json", headers=headers
        )
        assert (answer.status_code, answer.content_type) == (413, "application/problem+json")
