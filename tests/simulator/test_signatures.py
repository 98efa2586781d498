"""Tests that the gateway accepts valid signatures and refuses every kind of invalid one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import requests

from swrhook.simulator import RunningSimulator
from swrhook.simulator.iam_app import project_id
from swrhook.simulator.model import DEMO
from swrhook.swr.auth.signing import AccessKey, sign
from tests.factories import FakeClock

REGION = "cn-north-4"
PATH = "/v2/manage/namespaces/group/repos/web$shop/sync_job?filter=limit::10|offset::0"
JSON = {"Content-Type": "application/json"}
Signed = Callable[..., requests.Response]


@pytest.fixture
def signed(sim: RunningSimulator, session: requests.Session, clock: FakeClock) -> Signed:
    """Return a function that signs a request, changes headers, and sends it."""
    sim.state.seed(REGION, "group", "web/shop", "v1")

    def send(
        key: AccessKey = DEMO.key,
        *,
        late: float = 0,
        project: str | None = REGION,
        changed: dict[str, str | None] | None = None,
        url: str = "",
    ) -> requests.Response:
        url = url or sim.endpoints[REGION] + PATH
        headers = JSON | ({"X-Project-Id": project_id(project)} if project else {})
        signed_headers = sign(key, "GET", url, headers, b"", clock.time - timedelta(seconds=late))
        for name, value in (changed or {}).items():
            signed_headers.pop(name)
            if value is not None:
                signed_headers[name] = value
        request = requests.PreparedRequest()
        request.prepare("GET", sim.iam_url, headers=signed_headers)
        request.url = url
        return session.send(request, timeout=10)

    return send


def refusal(response: requests.Response) -> tuple[int, str, str]:
    body: Any = response.json()
    reason = body["error_msg"].removeprefix("Incorrect IAM authentication information: ")
    return response.status_code, body["error_code"], reason


def temporary(sim: RunningSimulator, seconds: float = 900) -> AccessKey:
    return sim.state.accounts.issue_key(DEMO, timedelta(seconds=seconds)).key


def test_a_valid_signature_is_accepted_in_its_region(signed: Signed, sim: RunningSimulator) -> None:
    assert signed().status_code == 200
    assert signed(temporary(sim)).status_code == 200
    assert signed(project=None).status_code == 200


@pytest.mark.parametrize("late", [899, -899])
def test_a_clock_difference_of_15_minutes_is_accepted(signed: Signed, late: float) -> None:
    assert signed(late=late).status_code == 200


@pytest.mark.parametrize("late", [901, -901])
def test_a_larger_clock_difference_is_refused(signed: Signed, late: float) -> None:
    status, code, reason = refusal(signed(late=late))

    assert (status, code) == (401, "APIGW.0301")
    assert reason.startswith("signature expired, signature time:20260102T0")


def test_an_unknown_key_is_named_in_the_refusal(signed: Signed) -> None:
    unknown = replace(DEMO.key, access="AKNOBODY")

    assert refusal(signed(unknown)) == (
        401,
        "APIGW.0301",
        "Get secretKey failed,ak:AKNOBODY,err:ak not exist",
    )


def test_a_wrong_secret_is_refused_with_the_canonical_request(signed: Signed) -> None:
    status, code, reason = refusal(signed(replace(DEMO.key, secret="wrong")))

    assert (status, code) == (401, "APIGW.0301")
    assert reason.startswith("verify aksk signature fail,canonicalRequest:GET\n/v2/manage/")
    assert f"x-project-id:{project_id(REGION)}" in reason


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"X-Sdk-Date": None}, "x-sdk-date not found or invalid"),
        ({"X-Sdk-Date": "yesterday"}, "x-sdk-date not found or invalid"),
        ({"X-Sdk-Date": "20260102T030406Z"}, "verify aksk signature fail"),
        ({"Content-Type": "text/plain"}, "verify aksk signature fail"),
        ({"X-Project-Id": None}, "verify aksk signature fail"),
        ({"Authorization": "SDK-HMAC-SHA256 Access=A"}, "authorization header is invalid"),
    ],
)
def test_a_request_changed_after_signing_is_refused(
    signed: Signed, changed: dict[str, str | None], reason: str
) -> None:
    status, code, actual = refusal(signed(changed=changed))

    assert (status, code) == (401, "APIGW.0301")
    assert actual.startswith(reason)


def test_the_time_must_be_signed(signed: Signed) -> None:
    names = f"Access={DEMO.key.access}, SignedHeaders=host, Signature={'0' * 64}"

    actual = refusal(signed(changed={"Authorization": f"SDK-HMAC-SHA256 {names}"}))

    assert actual[2] == "x-sdk-date is not signed"


def test_a_temporary_key_needs_its_own_security_token(
    signed: Signed, sim: RunningSimulator
) -> None:
    key, other = temporary(sim), temporary(sim)

    for token in (None, other.security_token):
        actual = refusal(signed(replace(key, security_token=token)))
        assert actual == (401, "APIGW.0301", "verify security token fail")
    actual = refusal(signed(replace(DEMO.key, security_token=key.security_token)))
    assert actual[2] == "verify security token fail"


def test_a_temporary_key_expires_and_can_be_revoked(
    signed: Signed, sim: RunningSimulator, clock: FakeClock
) -> None:
    key, killed = temporary(sim, 900), temporary(sim, 9000)
    clock.advance(901)

    assert refusal(signed(key))[2] == "the security token has expired"
    assert signed(killed).status_code == 200
    sim.state.accounts.revoke_tokens()
    assert refusal(signed(killed))[2].endswith("ak not exist")


def test_the_project_of_another_region_is_refused(signed: Signed) -> None:
    assert refusal(signed(project="cn-east-3")) == (
        403,
        "APIGW.0310",
        "The project is unavailable.",
    )


def test_a_key_is_locked_for_five_minutes_after_five_wrong_signatures(
    signed: Signed, clock: FakeClock
) -> None:
    wrong = replace(DEMO.key, secret="wrong")
    locked = (401, "APIGW.0301", "AK access failed to reach the limit,forbidden")

    for _ in range(4):
        signed(wrong)
    assert signed().status_code == 200  # resets the count of failures
    for _ in range(5):
        assert locked != refusal(signed(wrong))

    assert locked == refusal(signed())
    clock.advance(300)
    assert signed().status_code == 200


def test_projects_are_listed_with_a_signature(signed: Signed, sim: RunningSimulator) -> None:
    listed = signed(project=None, url=f"{sim.iam_url}/v3/projects?name={REGION}").json()
    wrong = replace(DEMO.key, secret="wrong")
    refused = signed(wrong, url=f"{sim.iam_url}/v3/projects?name={REGION}")

    assert [project_id(REGION)] == [project["id"] for project in listed["projects"]]
    assert refusal(refused)[:2] == (401, "APIGW.0301")
