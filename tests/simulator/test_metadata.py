"""Tests of temporary keys: from IAM, from an ECS server's metadata, for a pod."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from swrhook.simulator import RunningSimulator
from swrhook.simulator.metadata import PREFIX
from swrhook.simulator.model import DEMO, POD_TOKEN
from swrhook.simulator.operations import IAM_OPERATIONS

Login = Callable[..., requests.Response]
KEY_PATH = "/openstack/latest/securitykey"
LIFE = "X-Metadata-Token-Ttl-Seconds"


@pytest.fixture
def post(sim: RunningSimulator, session: requests.Session, login: Login) -> Login:
    """Return a function that requests a temporary key from IAM."""
    token = login().headers["X-Subject-Token"]

    def send(identity: Any = None, header: str | None = token) -> requests.Response:
        body = {"auth": {"identity": identity or {"methods": ["token"]}}}
        headers = {"X-Auth-Token": header} if header else {}
        url = f"{sim.iam_url}/v3.0/OS-CREDENTIAL/securitytokens"
        return session.post(url, json=body, headers=headers, timeout=10)

    return send


def test_a_temporary_key_is_issued_for_a_token(post: Login, sim: RunningSimulator) -> None:
    response = post()

    credential = response.json()["credential"]
    assert response.status_code == 201
    assert credential.keys() == {"access", "secret", "securitytoken", "expires_at"}
    assert credential["expires_at"] == "2026-01-02T03:19:05.000000Z"
    issued = sim.state.accounts.key(credential["access"])
    assert issued is not None
    assert credential["secret"] == issued.key.secret


def test_the_body_may_contain_the_token_and_the_lifetime(post: Login, login: Login) -> None:
    token = {"id": login().headers["X-Subject-Token"], "duration_seconds": 86_400}

    response = post({"methods": ["token"], "token": token}, None)

    assert response.json()["credential"]["expires_at"] == "2026-01-03T03:04:05.000000Z"


@pytest.mark.parametrize("seconds", [899, 86_401, "900", True])
def test_a_lifetime_must_be_between_15_minutes_and_a_day(post: Login, seconds: object) -> None:
    response = post({"methods": ["token"], "token": {"duration_seconds": seconds}})

    assert (response.status_code, response.json()["error_code"]) == (400, "IAM.0072")


def test_no_key_is_issued_without_a_valid_token(post: Login) -> None:
    assert post(header=None).status_code == 401
    assert post(header="nonsense").status_code == 401
    assert (
        (response := post({"methods": ["password"]})).status_code,
        response.json()["error_code"],
    ) == (400, "IAM.0073")


def test_the_metadata_service_issues_keys(sim: RunningSimulator, session: requests.Session) -> None:
    url = f"{sim.metadata_url}/meta-data/latest/api/token"
    token = session.put(url, headers={LIFE: "21600"}, timeout=10).text
    headers = {"X-Metadata-Token": token}
    body = session.get(sim.metadata_url + KEY_PATH, headers=headers, timeout=10).json()

    assert body["credential"]["expires_at"] == "2026-01-03T03:04:05.000000Z"
    # Version 1 needs no token, but a wrong token is refused.
    assert session.get(sim.metadata_url + KEY_PATH, timeout=10).status_code == 200
    wrong = {"X-Metadata-Token": "wrong"}
    assert session.get(sim.metadata_url + KEY_PATH, headers=wrong, timeout=10).status_code == 401


@pytest.mark.parametrize("life", ["", "0", "21601", "a day"])
def test_a_metadata_token_is_valid_for_at_most_six_hours(
    sim: RunningSimulator, session: requests.Session, life: str
) -> None:
    url = f"{sim.metadata_url}/meta-data/latest/api/token"

    assert session.put(url, headers={LIFE: life}, timeout=10).status_code == 400


def test_a_pod_obtains_keys_with_its_token(
    sim: RunningSimulator, session: requests.Session
) -> None:
    def ask(token: str) -> requests.Response:
        headers = {"Authorization": token}
        return session.post(sim.pod_url, json={}, headers=headers, timeout=10)

    assert ask(POD_TOKEN).json()["credential"].keys() >= {"access", "secret", "securitytoken"}
    assert ask("another").status_code == 401


@pytest.mark.parametrize(
    "text", [DEMO.key.access, DEMO.key.secret, POD_TOKEN, PREFIX, *IAM_OPERATIONS]
)
def test_keys_paths_and_operations_are_documented(text: str) -> None:
    docs = Path(__file__).parents[2] / "docs" / "simulator.md"

    assert text in docs.read_text(encoding="utf-8")
