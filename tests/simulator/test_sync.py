import json
from collections.abc import Callable
from typing import Any

import pytest
import requests

from swrhook.simulator import RunningSimulator

Swr = Callable[..., requests.Response]
Advance = Callable[[float], None]
PATH = "/namespaces/group/repos/web$api/sync_images"
OLD, NEW = "sha256:" + "0" * 64, "sha256:" + "1" * 64


@pytest.fixture
def sim(sim: RunningSimulator) -> RunningSimulator:
    sim.state.seed("cn-north-4", "group", "web/api", "v1", NEW)
    return sim


def body(**changes: Any) -> dict[str, Any]:
    whole = {"imageTag": ["v1"], "remoteNamespace": "group", "remoteRegionId": "cn-east-3"}
    return {key: value for key, value in (whole | changes).items() if value is not None}


def refusal(response: requests.Response) -> tuple[int, str]:
    [error] = response.json()
    assert set(error) == {"errorCode", "errorMessage", "detail"}
    return response.status_code, error["errorCode"].removeprefix("SVCSTG.SWR.")


def statuses(sim: RunningSimulator) -> list[str]:
    return [job.status for job in sim.state.jobs()]


def test_a_sync_is_accepted_at_once_and_the_tag_arrives_after_the_delay(
    sim: RunningSimulator, swr: Swr, advance: Advance
) -> None:
    response = swr("POST", PATH, json=body())

    assert (response.status_code, response.json()) == (200, [])
    advance(1.99)
    assert sim.state.digest("cn-east-3", "group", "web/api", "v1") is None
    assert statuses(sim) == ["waiting"]
    advance(0.01)
    assert sim.state.digest("cn-east-3", "group", "web/api", "v1") == NEW
    assert statuses(sim) == ["success"]


def test_the_repository_may_be_written_with_an_escaped_dollar(
    sim: RunningSimulator, swr: Swr
) -> None:
    assert swr("POST", PATH.replace("$", "%24"), json=body()).status_code == 200
    assert [job.repository for job in sim.state.jobs()] == ["web/api"]


@pytest.mark.parametrize("slash", ["/", "%2F"])
def test_a_slash_in_the_repository_is_another_path(swr: Swr, slash: str) -> None:
    response = swr("POST", PATH.replace("$", slash), json=body())

    assert (response.status_code, response.json()["error_code"]) == (404, "APIGW.0101")


def test_a_job_copies_the_digest_of_the_moment_it_runs(
    sim: RunningSimulator, swr: Swr, advance: Advance
) -> None:
    sim.state.seed("cn-north-4", "group", "web/api", "v1", OLD)
    swr("POST", PATH, json=body())
    advance(1)
    sim.state.seed("cn-north-4", "group", "web/api", "v1", NEW)
    advance(2)
    sim.state.seed("cn-north-4", "group", "web/api", "v1", OLD)

    assert sim.state.digest("cn-east-3", "group", "web/api", "v1") == NEW


def test_jobs_run_in_the_order_of_their_due_times(
    sim: RunningSimulator, swr: Swr, advance: Advance
) -> None:
    sim.state.seed("cn-east-3", "group", "web/api", "other")
    swr("POST", PATH, json=body())
    advance(1)
    swr("POST", PATH, region="cn-east-3", json=body(remoteRegionId="ap-southeast-1"))
    advance(60)

    assert sim.state.digest("ap-southeast-1", "group", "web/api", "v1") == NEW


def test_without_override_an_existing_tag_is_not_replaced(
    sim: RunningSimulator, swr: Swr, advance: Advance
) -> None:
    sim.state.seed("cn-east-3", "group", "web/api", "v1", OLD)
    swr("POST", PATH, json=body())
    swr("POST", PATH, json=body(override=True))
    swr("POST", PATH, json=body())
    advance(2)

    assert statuses(sim) == ["existed", "success", "success"]
    assert sim.state.digest("cn-east-3", "group", "web/api", "v1") == NEW


def test_without_override_the_target_keeps_its_digest(
    sim: RunningSimulator, swr: Swr, advance: Advance
) -> None:
    sim.state.seed("cn-east-3", "group", "web/api", "v1", OLD)
    swr("POST", PATH, json=body(override=False))
    advance(2)

    assert sim.state.digest("cn-east-3", "group", "web/api", "v1") == OLD


def test_a_tag_that_does_not_exist_is_accepted_and_fails_later(
    sim: RunningSimulator, swr: Swr, advance: Advance
) -> None:
    response = swr("POST", PATH, json=body(imageTag=["v1", "nothing"]))
    advance(2)

    assert response.status_code == 200
    assert statuses(sim) == ["success", "failed"]


def test_an_unknown_target_organization_is_accepted_and_fails_later(
    sim: RunningSimulator, swr: Swr, advance: Advance
) -> None:
    response = swr("POST", PATH, json=body(remoteNamespace="nobody"))
    advance(2)

    assert (response.status_code, statuses(sim)) == (200, ["failed"])


def test_an_unknown_target_organization_is_refused_if_configured(
    sim: RunningSimulator, swr: Swr, control: Swr
) -> None:
    control("PUT", "/settings", {"unknown_organization": "refuse"})

    assert refusal(swr("POST", PATH, json=body(remoteNamespace="nobody"))) == (404, "4040058")
    assert statuses(sim) == []


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (PATH.replace("group", "nobody"), (404, "4040058")),
        (PATH.replace("web$api", "nothing"), (404, "4040010")),
        (PATH.replace("group", "Group"), (400, "4001028")),
        (PATH.replace("web$api", "web$$api"), (400, "4001029")),
        (PATH.replace("web$api", "Web"), (400, "4001029")),
    ],
)
def test_the_image_must_have_a_valid_name_and_exist(
    swr: Swr, path: str, expected: tuple[int, str]
) -> None:
    assert refusal(swr("POST", path, json=body())) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"imageTag": None}, (400, "4001014")),
        ({"imageTag": []}, (400, "4001014")),
        ({"imageTag": "v1"}, (400, "4001014")),
        ({"imageTag": [1]}, (400, "4000014")),
        ({"imageTag": ["v1", "-v2"]}, (400, "4009021")),
        ({"imageTag": ["sha256:" + "0" * 64]}, (400, "4009021")),
        ({"remoteNamespace": None}, (400, "4001014")),
        ({"remoteNamespace": 1}, (400, "4000014")),
        ({"remoteNamespace": "a..b"}, (400, "4001028")),
        ({"remoteRegionId": ""}, (400, "4001014")),
        ({"remoteRegionId": "atlantis"}, (500, "5001101")),
        ({"override": "true"}, (400, "4000014")),
        ({"override": 1}, (400, "4000014")),
    ],
)
def test_a_body_that_the_reference_does_not_allow_is_refused(
    sim: RunningSimulator, swr: Swr, changes: dict[str, Any], expected: tuple[int, str]
) -> None:
    assert refusal(swr("POST", PATH, json=body(**changes))) == expected
    assert statuses(sim) == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_refused(swr: Swr, content: bytes) -> None:
    headers = {"Content-Type": "application/json"}

    assert refusal(swr("POST", PATH, data=content, headers=headers)) == (400, "4000014")


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "charset=utf-8 application/json", "application/json;charset=gbk"],
)
def test_a_body_that_is_not_declared_as_json_is_refused(swr: Swr, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    response = swr("POST", PATH, data=json.dumps(body()), headers=headers)

    assert refusal(response) == (400, "4001018")


def test_the_content_type_may_name_the_charset(swr: Swr) -> None:
    headers = {"Content-Type": "application/json;charset=utf-8"}

    assert swr("POST", PATH, data=json.dumps(body()), headers=headers).status_code == 200


def test_unknown_keys_are_ignored_but_recorded(sim: RunningSimulator, swr: Swr) -> None:
    sent = body(targetRepo="elsewhere")

    assert swr("POST", PATH, json=sent).status_code == 200
    assert [call.body for call in sim.state.calls(operation="sync_images")] == [sent]


@pytest.mark.parametrize(
    ("setting", "expected"), [("tags", '["v1"]'), ("nothing", ""), ("empty_list", "[]")]
)
def test_the_body_of_a_success_is_configurable(
    swr: Swr, control: Swr, setting: str, expected: str
) -> None:
    control("PUT", "/settings", {"accepted_body": setting})

    assert swr("POST", PATH, json=body()).text == expected


@pytest.mark.parametrize("shape", ["errors", "object"])
def test_the_shape_of_errors_is_configurable(swr: Swr, control: Swr, shape: str) -> None:
    control("PUT", "/settings", {"error_shape": shape})
    answer = swr("POST", PATH, json=body(remoteRegionId="atlantis")).json()

    error = answer["errors"][0] if shape == "errors" else answer
    assert error["errorCode"] == "SVCSTG.SWR.5001101"
