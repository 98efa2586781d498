from typing import Any

import jsonschema
import pytest

from swrhook.web.api.schema_base import EXAMPLES
from tests.web.harness import WebHarness

PROBLEM = {"$ref": "#/components/schemas/Problem"}


@pytest.fixture
def spec(harness: WebHarness) -> dict[str, Any]:
    answer = harness.client().get("/api/openapi.json")
    document: dict[str, Any] = answer.get_json()
    return document


def test_the_description_is_openapi_3_1_with_bearer_tokens(spec: dict[str, Any]) -> None:
    scheme = spec["components"]["securitySchemes"]["bearer"]

    assert (spec["openapi"], spec["info"]["title"]) == ("3.1.0", "swrhook")
    assert spec["security"] == [{"bearer": []}]
    assert (scheme["type"], scheme["scheme"]) == ("http", "bearer")


def test_every_route_of_the_api_is_described(harness: WebHarness, spec: dict[str, Any]) -> None:
    routes = {
        rule.rule.replace("<", "{").replace(">", "}")
        for rule in harness.web.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/")
    }

    assert routes == set(spec["paths"])


def test_every_parameter_is_described(spec: dict[str, Any]) -> None:
    def names(path: str) -> set[str]:
        return {p["name"] for p in spec["paths"][path]["get"]["parameters"]}

    page = {"since", "limit", "cursor"}
    assert {"state", "region", "namespace", "image", "rule", "delivery"} | page == names(
        "/api/v1/syncs"
    )
    assert {"sender", "outcome"} | page == names("/api/v1/deliveries")


def test_every_operation_describes_its_errors_as_problems(spec: dict[str, Any]) -> None:
    responses = spec["components"]["responses"]

    assert responses["DEFAULT_ERROR"]["content"] == {
        "application/problem+json": {"schema": PROBLEM}
    }
    operations = [
        path[method] for path in spec["paths"].values() for method in path.keys() & {"get", "post"}
    ]
    assert [{"$ref": "#/components/responses/DEFAULT_ERROR"}] * len(operations) == [
        operation["responses"]["default"] for operation in operations
    ]


def test_an_answer_has_the_described_members(harness: WebHarness, spec: dict[str, Any]) -> None:
    harness.push("team/web:v1")
    client = harness.client()
    schemas = spec["components"]["schemas"]

    sync = client.get("/api/v1/syncs").get_json()["items"][0]
    delivery = client.get("/api/v1/deliveries").get_json()["items"][0]

    assert set(sync) == set(schemas["Sync"]["properties"])
    assert set(delivery) == set(schemas["Delivery"]["properties"])


def test_members_and_parameters_have_examples(spec: dict[str, Any]) -> None:
    schemas = spec["components"]["schemas"]
    [image] = [
        p for p in spec["paths"]["/api/v1/wait"]["get"]["parameters"] if p["name"] == "image"
    ]

    assert schemas["Order"]["properties"]["image"]["examples"] == ["team-a/web/shop:1.4.2"]
    assert image["schema"]["examples"] == ["team-a/web/shop:1.4.2"]


def test_every_example_is_valid_for_its_member(spec: dict[str, Any]) -> None:
    shown = [
        (name, field)
        for schema in spec["components"]["schemas"].values()
        for name, field in schema.get("properties", {}).items()
        if "examples" in field
    ]

    assert {"image", "digest", "created_at", "rule"} <= {name for name, _ in shown}
    for name, field in shown:
        jsonschema.validate(field["examples"][0], field)
        assert name in EXAMPLES


def test_the_errors_of_a_wait_are_described_with_their_syncs(
    harness: WebHarness, spec: dict[str, Any]
) -> None:
    answer = harness.client().get("/api/v1/wait?image=team/web:v1")

    content = spec["paths"]["/api/v1/wait"]["get"]["responses"]["404"]["content"]
    schema = {**content["application/problem+json"]["schema"], "components": spec["components"]}
    jsonschema.validate(answer.get_json(), schema)
    assert (answer.status_code, answer.get_json()["syncs"]) == (404, [])
