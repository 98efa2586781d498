import json
import re
from pathlib import Path

import pytest

from swrhook.syncs.states import Event
from swrhook.web.access import Role
from tests.web.harness import ADMIN, OPERATE, WebHarness

TEXT = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")


def rows(pattern: str) -> list[tuple[str, ...]]:
    return re.findall(pattern, TEXT, re.MULTILINE)


def section(heading: str) -> str:
    return TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def test_every_route_is_documented(harness: WebHarness) -> None:
    routes = {
        (method, rule.rule)
        for rule in harness.web.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    assert routes == set(rows(r"^\| `([A-Z]+) (/\S*)` \|"))


def test_every_role_is_documented() -> None:
    documented = re.findall(r"^\| `(\w+)` \|", section("Access"), re.MULTILINE)

    assert [role.name.lower() for role in Role] == documented


def test_the_parameters_and_statuses_of_a_wait_are_documented(harness: WebHarness) -> None:
    spec = harness.client().get("/api/openapi.json").get_json()
    operation = spec["paths"]["/api/v1/wait"]["get"]
    documented = re.findall(r"^\| `?(\w+)`? \|", section("Wait"), re.MULTILINE)

    described = [p["name"] for p in operation["parameters"]]
    statuses = [status for status in operation["responses"] if status not in ("422", "default")]
    assert ["parameter", *described, "status", *sorted(statuses)] == documented


def test_the_example_of_stats_has_the_members_of_a_real_answer(harness: WebHarness) -> None:
    harness.happen(harness.push("team/web:v1").syncs[0].id, Event.VERIFY_WITHOUT_CALL)
    blocks = re.findall(r"```json\n(.*?)```", section("Rules and numbers"), re.DOTALL)

    def shape(value: object) -> object:
        if isinstance(value, dict):
            return {name: shape(inner) for name, inner in value.items()}
        return [shape(inner) for inner in value] if isinstance(value, list) else None

    real = harness.client().get("/api/v1/stats").get_json()
    assert [shape(real)] == [shape(json.loads(block)) for block in blocks]


def test_the_example_of_an_order_is_accepted(harness: WebHarness) -> None:
    [example] = re.findall(r"```json\n(.*?)```", section("Retry, cancel, order"), re.DOTALL)

    answer = harness.client(OPERATE).post("/api/v1/syncs", json=json.loads(example))

    assert answer.status_code == 202, answer.text


def test_the_parameters_of_an_explanation_are_documented(harness: WebHarness) -> None:
    spec = harness.client().get("/api/openapi.json").get_json()
    documented = re.findall(r"^\| `(\w+)` \|", section("Explain"), re.MULTILINE)

    parameters = spec["paths"]["/api/v1/explain"]["get"]["parameters"]
    assert [p["name"] for p in parameters] == documented


def test_the_example_of_whatif_gets_the_documented_answer(harness: WebHarness) -> None:
    harness.push("team-a/web:v1")
    question, answer = (
        json.loads(block)
        for block in re.findall(r"```json\n(.*?)```", section("What if"), re.DOTALL)
    )

    real = harness.client().post("/api/v1/whatif", json=question)

    assert real.status_code == 200, real.text
    assert list(answer) == list(real.get_json())
    for part in ("rules", "examples"):
        assert list(answer[part][0]) == list(real.get_json()[part][0])


@pytest.mark.parametrize("name", ["syncs", "deliveries", "audit"])
def test_every_parameter_is_documented(harness: WebHarness, name: str) -> None:
    spec = harness.client().get("/api/openapi.json").get_json()
    parameters = spec["paths"][f"/api/v1/{name}"]["get"]["parameters"]
    text = section("Pages") + section(name.capitalize())

    documented = re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)
    assert sorted(p["name"] for p in parameters) == sorted(documented)


@pytest.mark.parametrize("name", ["syncs", "deliveries", "audit"])
def test_the_example_has_the_members_of_a_real_answer(harness: WebHarness, name: str) -> None:
    harness.push("team/web:v1")
    harness.client(ADMIN).post("/api/v1/drain")
    [example] = re.findall(r"```json\n(.*?)```", section(name.capitalize()), re.DOTALL)

    real = harness.client(ADMIN).get(f"/api/v1/{name}").get_json()

    documented = json.loads(example)
    assert list(real) == list(documented)
    assert list(real["items"][0]) == list(documented["items"][0])


def test_the_example_of_an_error_is_a_real_one(harness: WebHarness) -> None:
    [example] = re.findall(r"```json\n(.*?)```", section("Errors"), re.DOTALL)

    assert json.loads(example) == harness.client().get("/api/v1/syncs?limit=0").get_json()
