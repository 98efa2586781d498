from collections.abc import Callable
from typing import Any

import pytest
import requests

from swrhook.simulator import RunningSimulator
from swrhook.simulator.operations import OPERATIONS
from swrhook.simulator.swr_app import create_app

Swr = Callable[..., requests.Response]
Login = Callable[..., requests.Response]


def refusal(response: requests.Response) -> tuple[int, Any]:
    return response.status_code, response.json()["error_code"]


def test_a_call_without_a_token_is_refused_by_the_gateway(
    sim: RunningSimulator, session: requests.Session
) -> None:
    response = session.get(f"{sim.endpoints['cn-north-4']}/v2/manage/regions", timeout=10)

    body = response.json()
    assert refusal(response) == (401, "APIGW.0301")
    assert body["error_msg"].startswith("Incorrect IAM authentication information")
    assert response.headers["X-Request-Id"] == body["request_id"]


def test_a_token_is_valid_only_in_its_region(swr: Swr, token: Callable[[str], str]) -> None:
    theirs = {"X-Auth-Token": token("cn-east-3")}
    response = swr("GET", "/regions", region="cn-north-4", headers=theirs)

    assert swr("GET", "/regions", region="cn-east-3").status_code == 200
    assert refusal(response) == (401, "APIGW.0307")
    assert response.json()["error_msg"] == "The token must be updated."


@pytest.mark.parametrize("scope", [None, {"domain": {"name": "demo"}}])
def test_a_token_without_a_project_is_valid_in_no_region(
    swr: Swr, login: Login, scope: Any
) -> None:
    value = login(None, scope=scope).headers["X-Subject-Token"]

    assert refusal(swr("GET", "/regions", headers={"X-Auth-Token": value})) == (401, "APIGW.0307")


def test_an_unknown_token_is_refused(swr: Swr) -> None:
    response = swr("GET", "/regions", headers={"X-Auth-Token": "made-up"})

    assert refusal(response) == (401, "APIGW.0307")


def test_a_token_is_valid_until_it_expires(swr: Swr, advance: Callable[[float], None]) -> None:
    swr("GET", "/regions")
    advance(86_399)
    assert swr("GET", "/regions").status_code == 200
    advance(1)
    assert refusal(swr("GET", "/regions")) == (401, "APIGW.0307")


def test_a_revoked_token_is_refused_and_a_new_one_is_valid(
    sim: RunningSimulator, swr: Swr, login: Login
) -> None:
    swr("GET", "/regions")
    assert sim.state.accounts.revoke_tokens() == 1

    assert refusal(swr("GET", "/regions")) == (401, "APIGW.0307")
    new = {"X-Auth-Token": login().headers["X-Subject-Token"]}
    assert swr("GET", "/regions", headers=new).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nothing"),
        ("PATCH", "/regions"),
        ("OPTIONS", "/regions"),
        ("GET", "/namespaces/group/repos/a/b/tags"),
        ("GET", "/namespaces/group/repos/a%2Fb/tags"),
        ("GET", "//regions"),
        ("GET", "/regions/"),
    ],
)
def test_a_path_or_method_that_does_not_exist_is_answered_in_json(
    swr: Swr, method: str, path: str
) -> None:
    assert refusal(swr(method, path)) == (404, "APIGW.0101")


def test_a_path_that_does_not_exist_needs_no_token(
    sim: RunningSimulator, session: requests.Session
) -> None:
    assert refusal(session.get(sim.endpoints["cn-east-3"], timeout=10)) == (404, "APIGW.0101")


def test_a_body_of_more_than_12_mebibytes_is_refused(swr: Swr) -> None:
    response = swr("POST", "/namespaces", data=b"x" * (12 * 1024 * 1024 + 1))

    assert refusal(response) == (413, "APIGW.0201")


def test_a_token_of_32_kibibytes_is_accepted(sim: RunningSimulator, swr: Swr, control: Swr) -> None:
    control("PUT", "/settings", {"token_size": 32_768})

    assert swr("GET", "/regions").status_code == 200
    assert sim.state.settings.token_size == 32_768


def test_every_operation_of_a_region_can_be_named_in_a_fault(sim: RunningSimulator) -> None:
    rules = create_app(sim.state, "cn-north-4").url_map.iter_rules()
    names = {rule.endpoint.rpartition(".")[2] for rule in rules}

    assert set(OPERATIONS) | {"namespace", "create_namespace"} == names
