"""A write that is sent again with the same Idempotency-Key has one effect."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, text, update

from swrhook.ledger.idempotency import LOST_AFTER, RETENTION
from swrhook.ledger.service_tables import idempotency_keys
from swrhook.syncs.states import Event
from tests.factories import everything
from tests.web.harness import ADMIN, ASK, OPERATE, WebHarness, listed_syncs, order, writes


def test_a_repeated_key_has_one_effect_and_the_same_answer(harness: WebHarness) -> None:
    first, again = order(harness, "job-1"), order(harness, "job-1")

    assert (202, first.status_code) == (again.status_code, again.status_code)
    assert (first.data, first.content_type) == (again.data, again.content_type)
    assert (len(listed_syncs(harness)), len(writes(harness))) == (1, 1)


def test_a_client_error_is_stored_too(harness: WebHarness) -> None:
    sync = harness.push("team/web:v1").syncs[0].id
    client, headers = harness.client(OPERATE), {"Idempotency-Key": "job-1"}
    first = client.post(f"/api/v1/syncs/{sync}/retry", headers=headers)
    harness.happen(sync, Event.REJECT_BEFORE_CALL)
    again = client.post(f"/api/v1/syncs/{sync}/retry", headers=headers)

    assert (409, 409, first.data) == (first.status_code, again.status_code, again.data)


def test_the_same_key_with_another_body_is_422(harness: WebHarness) -> None:
    order(harness, "job-1")
    again = order(harness, "job-1", image="team/web:v2")

    assert again.status_code == 422
    assert again.get_json()["detail"] == "this Idempotency-Key was used for another request"
    assert len(listed_syncs(harness)) == 1


def test_the_same_key_for_another_path_is_422(harness: WebHarness) -> None:
    sync = order(harness, "job-1").get_json()["syncs"][0]["id"]
    headers = {"Idempotency-Key": "job-1"}

    answer = harness.client(OPERATE).post(f"/api/v1/syncs/{sync}/cancel", headers=headers)

    assert (answer.status_code, listed_syncs(harness)[0]["state"]) == (422, "pending")


def test_a_key_belongs_to_its_token(harness: WebHarness) -> None:
    order(harness, "job-1")

    assert (order(harness, "job-1", token=ADMIN).status_code, len(listed_syncs(harness))) == (
        202,
        2,
    )


def set_start(harness: WebHarness, ago: timedelta, **more: Any) -> None:
    """Set when the request with the only key began."""
    with harness.database.write() as connection:
        began = datetime.now(UTC) - ago
        connection.execute(update(idempotency_keys).values(started_at=began, **more))


def test_a_key_whose_request_is_in_progress_is_409(harness: WebHarness) -> None:
    order(harness, "job-1")
    set_start(harness, timedelta(), status=None)

    answer = order(harness, "job-1")

    assert (answer.status_code, answer.headers["Retry-After"]) == (409, "1")


@pytest.mark.parametrize(
    ("ago", "status"), [(LOST_AFTER, None), (-LOST_AFTER, None), (RETENTION, 202)]
)
def test_a_key_is_free_again_after_a_lost_request_or_the_retention_time(
    harness: WebHarness, ago: timedelta, status: int | None
) -> None:
    order(harness, "job-1")
    beyond = timedelta(seconds=1 if ago > timedelta() else -10)  # -: by a clock that was ahead
    set_start(harness, ago + beyond, status=status)

    assert (order(harness, "job-1").status_code, len(listed_syncs(harness))) == (202, 2)


def test_a_server_error_frees_the_key(harness: WebHarness) -> None:
    with harness.database.write() as connection:
        connection.execute(text("ALTER TABLE syncs RENAME TO gone"))
    failed = order(harness, "job-1").status_code
    with harness.database.write() as connection:
        connection.execute(text("ALTER TABLE gone RENAME TO syncs"))

    assert (failed, order(harness, "job-1").status_code) == (503, 202)


def test_old_answers_are_deleted(harness: WebHarness) -> None:
    old = {"key": "k", "fingerprint": "f", "started_at": datetime.now(UTC) - RETENTION * 2}
    with harness.database.write() as connection:
        connection.execute(insert(idempotency_keys), old)
    order(harness, "job-1")

    assert [row["status"] for row in everything(harness.database, idempotency_keys)] == [202]


@pytest.mark.parametrize("key", ["", "x" * 256, "\xe4"])
def test_an_invalid_key_is_refused(harness: WebHarness, key: str) -> None:
    assert (order(harness, key).status_code, listed_syncs(harness)) == (422, [])


def test_a_body_that_is_too_large_is_413(harness: WebHarness) -> None:
    body = b"[" + b" " * (1024 * 1024) + b"]"
    for headers in ({}, {"Idempotency-Key": "job-1"}):
        answer = harness.client(OPERATE).post(
            "/api/v1/syncs", data=body, content_type="application/json", headers=headers
        )
        assert (answer.status_code, answer.content_type) == (413, "application/problem+json")


def test_no_answer_of_a_query_is_stored(harness: WebHarness) -> None:
    """It may be large, and whoever may only ask could fill the ledger with them."""
    body = {"images": ["other/web:v1"]}
    headers = {"Idempotency-Key": "job-1"}
    answer = harness.client(ASK).post("/api/v1/availability", json=body, headers=headers)

    assert answer.status_code == 404
    assert everything(harness.database, idempotency_keys) == []
