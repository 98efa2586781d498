"""What /readyz tells, and that one request sees one configuration."""

from dataclasses import replace
from typing import Any, NoReturn

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, event

from swrhook.config.model import Access
from swrhook.service.health import Health
from swrhook.web import create_web
from swrhook.web.context import RequestConfig
from tests.web.parts import Parts

IN_USE = {"version": "0123456789ab", "since": "2026-03-04T05:06:07.000Z"}


def client(parts: Parts, told: Health) -> FlaskClient:
    return create_web(replace(parts.context, health=told)).test_client()


def test_a_ready_process_tells_its_configuration(parts: Parts) -> None:
    answer = client(parts, Health(configuration=lambda: IN_USE)).get("/readyz")

    assert answer.status_code == 200
    assert answer.get_json() == {"status": "ready", "configuration": IN_USE}


def test_a_process_that_is_alive_says_so_without_a_look_at_anything(parts: Parts) -> None:
    def asked() -> NoReturn:
        pytest.fail("/healthz has asked for what may be slow or broken")

    told = Health({"ledger": asked}, {"configuration": asked}, configuration=asked)
    web = client(parts, told)
    statements: list[str] = []

    def note(*said: Any) -> None:
        statements.append(said[2])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        answers = [web.get("/healthz"), web.head("/healthz")]
    finally:
        event.remove(Engine, "before_cursor_execute", note)

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].get_json() == {"status": "alive"}
    assert statements == []


def test_a_note_leaves_the_process_ready(parts: Parts) -> None:
    told = Health(notes={"configuration": lambda: "wrong", "other": lambda: None})
    answer = client(parts, told).get("/readyz")

    assert answer.status_code == 200
    assert answer.get_json()["notes"] == {"configuration": "wrong"}


def test_a_failing_check_is_named_with_the_configuration(parts: Parts) -> None:
    told = Health({"ledger": lambda: "full", "engine": lambda: None}, configuration=lambda: IN_USE)
    answer = client(parts, told).get("/readyz")

    assert answer.status_code == 503
    assert answer.get_json() == {
        "status": "not ready",
        "failing": {"ledger": "full"},
        "configuration": IN_USE,
    }


def test_a_request_sees_one_configuration_from_beginning_to_end(parts: Parts) -> None:
    config = RequestConfig(parts)
    before = parts.config
    after = replace(before, access=Access())
    with parts.web.test_request_context():
        first = config.current()
        parts.config = after
        second = config.current()
    with parts.web.test_request_context():
        third = config.current()

    assert [before, before, after] == [first, second, third]
    assert after is config.current()  # outside of any request too
