from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import requests

from swrhook.simulator import RunningSimulator, Settings, User, start
from swrhook.simulator.model import DEMO
from swrhook.swr.auth.signing import AccessKey

Login = Callable[..., requests.Response]
LOCKED = {"error_msg": "Account locked.", "error_code": "IAM.0061"}
UNAUTHORIZED = {"error": {"message": "Unauthorized.", "code": 401, "title": "Unauthorized"}}


def test_a_login_returns_a_token_in_the_header_with_its_project_and_times(login: Login) -> None:
    response = login("cn-north-4")

    token = response.json()["token"]
    assert response.status_code == 201
    assert Settings().token_size == len(response.headers["X-Subject-Token"])
    assert token["methods"] == ["password"]
    assert token["issued_at"] == "2026-01-02T03:04:05.000000Z"
    assert token["expires_at"] == "2026-01-03T03:04:05.000000Z"
    assert token["project"]["name"] == "cn-north-4"
    assert len(token["project"]["id"]) == 32
    assert (token["user"]["name"], token["user"]["domain"]["name"]) == ("demo", "demo")


def test_the_scope_may_name_a_project_by_id(login: Login) -> None:
    project = login("cn-east-3").json()["token"]["project"]

    assert project == login(scope={"project": {"id": project["id"]}}).json()["token"]["project"]


def test_in_the_scope_a_project_takes_precedence_over_a_domain(login: Login) -> None:
    scope = {"project": {"name": "cn-east-3"}, "domain": {"name": "demo"}}

    assert login(scope=scope).json()["token"]["project"]["name"] == "cn-east-3"


@pytest.mark.parametrize("scope", [None, {"domain": {"name": "demo"}}])
def test_a_token_without_a_project_is_issued(login: Login, scope: Any) -> None:
    response = login(None, scope=scope)

    assert response.status_code == 201
    assert "project" not in response.json()["token"]


@pytest.mark.parametrize(
    "wrong", [{"password": "x"}, {"user": "x"}, {"domain": "x"}, {"password": "pässword"}]
)
def test_wrong_credentials_are_refused_in_keystones_shape(
    login: Login, wrong: dict[str, str]
) -> None:
    response = login(**wrong)

    assert (response.status_code, response.json()) == (401, UNAUTHORIZED)
    assert "X-Subject-Token" not in response.headers


def test_the_fifth_wrong_password_in_a_row_locks_the_account_for_a_while(
    login: Login, advance: Callable[[float], None]
) -> None:
    answers = [login(password="x").json() for _ in range(6)]

    assert answers == [UNAUTHORIZED] * 5 + [LOCKED]
    assert (login().status_code, login().json()) == (401, LOCKED)
    advance(900)
    assert login().status_code == 201


def test_a_correct_password_resets_the_count_of_failures(login: Login) -> None:
    for password in ["x"] * 4 + ["demo"] + ["x"] * 4:
        login(password=password)

    assert login().status_code == 201


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "IAM.0011"),
        (b"[]", "IAM.0011"),
        (b"[" * 100_000, "IAM.0011"),
        (b"{}", "IAM.0072"),
        (b'{"auth":{"identity":{"methods":["token"]}}}', "IAM.0073"),
        (b'{"auth":{"identity":{"methods":["password"],"password":{}}}}', "IAM.0072"),
    ],
)
def test_a_malformed_login_is_refused_with_a_code(
    sim: RunningSimulator, session: requests.Session, body: bytes, code: str
) -> None:
    headers = {"Content-Type": "application/json;charset=utf8"}
    response = session.post(f"{sim.iam_url}/v3/auth/tokens", data=body, headers=headers, timeout=10)

    assert (response.status_code, response.json()["error_code"]) == (400, code)


def test_a_login_that_is_not_declared_as_json_is_refused(
    sim: RunningSimulator, session: requests.Session
) -> None:
    response = session.post(f"{sim.iam_url}/v3/auth/tokens", data="{}", timeout=10)

    assert (response.status_code, response.json()["error_code"]) == (400, "IAM.0011")


def test_an_unknown_project_is_refused(login: Login) -> None:
    response = login("cn-south-1")

    assert (response.status_code, response.json()["error_code"]) == (400, "IAM.1109")


def test_projects_are_found_by_name_with_a_token(
    sim: RunningSimulator, session: requests.Session, login: Login
) -> None:
    token = login("cn-east-3")
    response = session.get(
        f"{sim.iam_url}/v3/projects?name=cn-east-3",
        headers={"X-Auth-Token": token.headers["X-Subject-Token"]},
        timeout=10,
    )

    [project] = response.json()["projects"]
    assert token.json()["token"]["project"]["id"] == project["id"]
    assert project["name"] == "cn-east-3"


def test_projects_are_not_listed_without_a_token(
    sim: RunningSimulator, session: requests.Session
) -> None:
    response = session.get(f"{sim.iam_url}/v3/projects", timeout=10)

    assert (response.status_code, response.json()) == (401, UNAUTHORIZED)


def test_a_token_has_the_configured_size_and_user(session: requests.Session) -> None:
    users = [User(name="robot", password="secret", domain="acme")]
    with start(["r1"], users=users, settings=Settings(token_size=32_768)) as sim:
        user = {"id": users[0].id, "password": "secret"}
        auth = {"identity": {"methods": ["password"], "password": {"user": user}}}
        response = session.post(f"{sim.iam_url}/v3/auth/tokens", json={"auth": auth}, timeout=10)

    assert len(response.headers["X-Subject-Token"]) == 32_768
    assert response.json()["token"]["user"]["domain"]["name"] == "acme"


def test_the_repr_of_a_user_hides_the_password(sim: RunningSimulator) -> None:
    assert "'secret'" not in repr(User(name="robot", password="secret", domain="acme"))
    assert sim.state.users[0].password == "demo"


def test_an_unknown_path_of_iam_is_an_error_in_json(
    sim: RunningSimulator, session: requests.Session
) -> None:
    for method, path in [("GET", "/"), ("GET", "/v3/auth/tokens"), ("PUT", "/v3//projects")]:
        response = session.request(method, sim.iam_url + path, timeout=10)
        assert (response.status_code, response.json()["error_code"]) == (404, "APIGW.0101")


def log_in(sim: RunningSimulator, identity: Any, token: str = "") -> requests.Response:
    body = {"auth": {"identity": identity, "scope": {"project": {"name": "cn-north-4"}}}}
    url, headers = f"{sim.iam_url}/v3/auth/tokens", {"X-Auth-Token": token} if token else {}
    return requests.post(url, json=body, headers=headers, timeout=10)


def key_login(key: AccessKey) -> dict[str, Any]:
    pair = {"access": {"key": key.access}, "secret": {"key": key.secret}}
    if key.security_token:
        pair["security_token"] = {"key": key.security_token}
    return {"methods": ["hw_ak_sk"], "hw_ak_sk": pair}


def test_an_access_key_is_exchanged_for_a_token(sim: RunningSimulator) -> None:
    response = log_in(sim, key_login(DEMO.key))

    token = response.json()["token"]
    assert (response.status_code, token["methods"], token["user"]["name"]) == (
        201,
        ["hw_ak_sk"],
        "demo",
    )
    url = f"{sim.endpoints['cn-north-4']}/v2/manage/namespaces/group"
    headers = {"X-Auth-Token": response.headers["X-Subject-Token"]}
    assert requests.get(url, headers=headers, timeout=10).status_code == 200


def test_a_temporary_key_is_exchanged_until_it_expires(
    sim: RunningSimulator, advance: Callable[[float], None]
) -> None:
    key = sim.state.accounts.issue_key(DEMO, timedelta(seconds=900)).key

    assert log_in(sim, key_login(key)).status_code == 201
    advance(900)
    assert log_in(sim, key_login(key)).status_code == 401


@pytest.mark.parametrize(
    "key",
    [
        AccessKey("NOBODY", DEMO.key.secret),
        AccessKey(DEMO.key.access, "wrong"),
        AccessKey(DEMO.key.access, DEMO.key.secret, "a token that it does not have"),
    ],
)
def test_a_wrong_access_key_is_refused(sim: RunningSimulator, key: AccessKey) -> None:
    response = log_in(sim, key_login(key))

    assert (response.status_code, response.json()) == (401, UNAUTHORIZED)


@pytest.mark.parametrize("agency", ["agency_name", "xrole_name"])
def test_an_agency_is_assumed_with_the_token_of_a_user(
    sim: RunningSimulator, login: Login, agency: str
) -> None:
    user = login().headers["X-Subject-Token"]
    role = {"domain_name": "demo", agency: "demo-agency"}
    response = log_in(sim, {"methods": ["assume_role"], "assume_role": role}, user)

    token = response.json()["token"]
    assert response.status_code == 201
    assert token["user"]["name"] == "demo/demo-agency"
    assert token["assumed_by"]["user"]["name"] == "demo"


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ({"domain_name": "demo", "agency_name": "x"}, (404, "IAM.0004")),
        ({"domain_name": "x", "agency_name": "demo-agency"}, (404, "IAM.0004")),
        ({"domain_name": "demo"}, (400, "IAM.0072")),
    ],
)
def test_an_agency_that_does_not_exist_is_not_assumed(
    sim: RunningSimulator, login: Login, role: dict[str, str], expected: tuple[int, str]
) -> None:
    identity = {"methods": ["assume_role"], "assume_role": role}
    response = log_in(sim, identity, login().headers["X-Subject-Token"])

    assert (response.status_code, response.json()["error_code"]) == expected
    assert log_in(sim, identity).status_code in (400, 401)
