"""GET /healthz and /readyz."""

from dataclasses import replace
from typing import Any, NoReturn

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, event

from swrhook.service.health import Health
from swrhook.web import create_web
from tests.web.parts import Parts

IN_USE = {"version": "0123456789ab", "since": "2026-03-04T05:06:07.000Z"}


def client(parts: Parts, health: Health) -> FlaskClient:
    return create_web(replace(parts.context, health=health)).test_client()


def test_a_ready_process_shows_its_configuration(parts: Parts) -> None:
    answer = client(parts, Health(configuration=lambda: IN_USE)).get("/readyz")

    assert answer.status_code == 200
    assert answer.get_json() == {"status": "ready", "configuration": IN_USE}


def test_healthz_runs_no_check_and_no_query(parts: Parts) -> None:
    def fail() -> NoReturn:
        pytest.fail("/healthz must not run a check")

    health = Health({"ledger": fail}, {"configuration": fail}, configuration=fail)
    web = client(parts, health)
    statements: list[str] = []

    def note(*arguments: Any) -> None:
        statements.append(arguments[2])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        answers = [web.get("/healthz"), web.head("/healthz")]
    finally:
        event.remove(Engine, "before_cursor_execute", note)

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].get_json() == {"status": "alive"}
    assert statements == []


def test_a_note_leaves_the_process_ready(parts: Parts) -> None:
    health = Health(notes={"configuration": lambda: "wrong", "other": lambda: None})
    answer = client(parts, health).get("/readyz")

    assert answer.status_code == 200
    assert answer.get_json()["notes"] == {"configuration": "wrong"}


def test_a_failing_check_is_shown_with_the_configuration(parts: Parts) -> None:
    health = Health(
        {"ledger": lambda: "full", "engine": lambda: None}, configuration=lambda: IN_USE
    )
    answer = client(parts, health).get("/readyz")

    assert answer.status_code == 503
    assert answer.get_json() == {
        "status": "not ready",
        "failing": {"ledger": "full"},
        "configuration": IN_USE,
    }
