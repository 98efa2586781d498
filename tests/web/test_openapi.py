from typing import Any

import pytest

from tests.web.parts import Parts

PROBLEM = {"$ref": "#/components/schemas/Problem"}


@pytest.fixture
def spec(parts: Parts) -> dict[str, Any]:
    answer = parts.client().get("/api/openapi.json")
    found: dict[str, Any] = answer.get_json()
    return found


def test_the_description_is_openapi_3_1_with_bearer_tokens(spec: dict[str, Any]) -> None:
    scheme = spec["components"]["securitySchemes"]["bearer"]

    assert ("3.1.0", "swrhook") == (spec["openapi"], spec["info"]["title"])
    assert [{"bearer": []}] == spec["security"]
    assert ("http", "bearer") == (scheme["type"], scheme["scheme"])


def test_every_route_of_the_api_is_described(parts: Parts, spec: dict[str, Any]) -> None:
    routes = {
        rule.rule.replace("<", "{").replace(">", "}")
        for rule in parts.web.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/")
    }

    assert routes == set(spec["paths"])


def test_every_parameter_of_the_contract_is_described(spec: dict[str, Any]) -> None:
    def names(path: str) -> set[str]:
        return {p["name"] for p in spec["paths"][path]["get"]["parameters"]}

    page = {"since", "limit", "cursor"}
    assert {"state", "region", "namespace", "image"} | page == names("/api/v1/syncs")
    assert {"source", "outcome"} | page == names("/api/v1/deliveries")


def test_every_operation_describes_its_errors_as_problems(spec: dict[str, Any]) -> None:
    responses = spec["components"]["responses"]

    assert {"application/problem+json": {"schema": PROBLEM}} == responses["DEFAULT_ERROR"][
        "content"
    ]
    operations = [
        path[method] for path in spec["paths"].values() for method in path.keys() & {"get", "post"}
    ]
    assert [{"$ref": "#/components/responses/DEFAULT_ERROR"}] * len(operations) == [
        operation["responses"]["default"] for operation in operations
    ]


def test_an_answer_has_the_members_that_are_described(parts: Parts, spec: dict[str, Any]) -> None:
    parts.push("team/web:v1")
    client = parts.client()
    schemas = spec["components"]["schemas"]

    sync = client.get("/api/v1/syncs").get_json()["items"][0]
    delivery = client.get("/api/v1/deliveries").get_json()["items"][0]

    assert set(sync) == set(schemas["Sync"]["properties"])
    assert set(delivery) == set(schemas["Delivery"]["properties"])
