"""GET /healthz and /readyz."""

from dataclasses import replace
from typing import Any, NoReturn

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, event

from swrhook import __version__
from swrhook.service.health import Health
from swrhook.web import create_web
from tests.web.harness import WebHarness

IN_USE = {"version": "0123456789ab", "since": "2026-03-04T05:06:07.000Z"}


def client(harness: WebHarness, health: Health) -> FlaskClient:
    return create_web(replace(harness.context, health=health)).test_client()


def test_a_ready_process_shows_its_configuration(harness: WebHarness) -> None:
    answer = client(harness, Health(configuration=lambda: IN_USE)).get("/readyz")

    assert answer.status_code == 200
    assert answer.get_json() == {"status": "ready", "configuration": IN_USE}


def test_healthz_runs_no_check_and_no_query(harness: WebHarness) -> None:
    def fail() -> NoReturn:
        pytest.fail("/healthz must not run a check")

    health = Health({"ledger": fail}, {"configuration": fail}, configuration=fail)
    web = client(harness, health)
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


def test_healthz_names_the_version_of_the_process(harness: WebHarness) -> None:
    answer = client(harness, Health()).get("/healthz")

    assert answer.headers["Swrhook-Version"] == __version__


def test_a_note_leaves_the_process_ready(harness: WebHarness) -> None:
    health = Health(notes={"configuration": lambda: "wrong", "other": lambda: None})
    answer = client(harness, health).get("/readyz")

    assert answer.status_code == 200
    assert answer.get_json()["notes"] == {"configuration": "wrong"}


def test_a_failing_check_is_shown_with_the_configuration(harness: WebHarness) -> None:
    health = Health(
        {"ledger": lambda: "full", "engine": lambda: None}, configuration=lambda: IN_USE
    )
    answer = client(harness, health).get("/readyz")

    assert answer.status_code == 503
    assert answer.get_json() == {
        "status": "not ready",
        "failing": {"ledger": "full"},
        "configuration": IN_USE,
    }
