"""The app answers any request as the OpenAPI document describes: schemathesis, seeded."""

from collections.abc import Callable
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from swrhook.ledger.database import Database
from tests.web.harness import ADMIN, EAST, HONG_KONG, WebHarness

CHECKS: list[Callable[..., Any]] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


BOUNDS = settings(
    max_examples=10,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def test_every_operation_answers_as_described(database: Database) -> None:
    harness = WebHarness(database)
    harness.push("team/web:v1", EAST, HONG_KONG)
    harness.push("team/web:v1", EAST)
    spec = harness.client(ADMIN).get("/api/openapi.json").get_json()
    schema = schemathesis.openapi.from_dict(spec)
    schema.app = harness.web
    tried = set()
    for result in schema.get_all_operations():
        assert isinstance(result, Ok), result
        operation = result.ok()
        tried.add((operation.method.upper(), operation.path))
        BOUNDS(given(case=operation.as_strategy())(check))()

    described = {
        (method.upper(), path) for path, methods in spec["paths"].items() for method in methods
    }
    assert described - {("PARAMETERS", path) for path in spec["paths"]} == tried


def check(case: schemathesis.Case[Any]) -> None:
    case.call_and_validate(headers={"Authorization": f"Bearer {ADMIN}"}, checks=CHECKS)
