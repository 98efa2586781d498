import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from swrhook.simulator import Fault, RunningSimulator
from swrhook.simulator.model import IAM

Swr = Callable[..., requests.Response]
PATH = "/namespaces/group/repos/busybox/sync_images"
BODY = {"imageTag": ["v1", "v2"], "remoteNamespace": "group", "remoteRegionId": "cn-east-3"}


@pytest.fixture
def sim(sim: RunningSimulator) -> RunningSimulator:
    sim.state.seed("cn-north-4", "group", "busybox", "v1")
    return sim


def test_an_answer_is_given_as_often_as_configured(swr: Swr, control: Swr) -> None:
    throttled = {"error_msg": "…", "error_code": "APIGW.0308", "request_id": "1"}
    fault = {"status": 429, "body": throttled, "headers": {"Retry-After": "3"}, "times": 2}
    control("PUT", "/faults", fault | {"region": "cn-north-4", "operation": "sync_images"})
    answers = [swr("POST", PATH, json=BODY) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert (answers[0].json(), answers[0].headers["Retry-After"]) == (throttled, "3")
    assert answers[0].headers["Content-Type"] == "application/json"
    assert control("GET", "/faults").json() == []


def test_answers_of_two_faults_are_given_one_after_the_other(
    sim: RunningSimulator, swr: Swr
) -> None:
    sim.state.faults.add([Fault(status=503, times=1), Fault(status=502, body="<p>", times=1)])
    answers = [swr("GET", "/regions") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [503, 502, 200]
    assert (answers[1].text, answers[1].headers["Content-Type"]) == ("<p>", "text/html")


@pytest.mark.parametrize(
    "elsewhere", [Fault("cn-east-3", "*", status=500), Fault("cn-north-4", "tag", status=500)]
)
def test_a_fault_hits_only_its_region_and_operation(
    sim: RunningSimulator, swr: Swr, elsewhere: Fault
) -> None:
    sim.state.faults.add([elsewhere])

    assert swr("GET", "/regions").status_code == 200


@pytest.mark.parametrize("path", ["/namespaces", "/namespaces/group"])
def test_namespaces_are_one_operation(sim: RunningSimulator, swr: Swr, path: str) -> None:
    sim.state.faults.add([Fault(operation="namespaces", status=500)])

    assert swr("GET", path).status_code == 500


def test_a_delayed_call_is_answered_later(sim: RunningSimulator, swr: Swr) -> None:
    swr("GET", "/regions")
    sim.state.faults.add([Fault(delay=0.2, times=1)])
    started = time.monotonic()

    assert swr("GET", "/regions").status_code == 200
    assert time.monotonic() - started >= 0.2


def test_a_call_is_recorded_on_its_arrival(sim: RunningSimulator, swr: Swr) -> None:
    swr("GET", "/regions")
    sim.state.faults.add([Fault(delay=0.5, times=1)])
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(swr, "GET", "/repos")
        while not (calls := sim.state.calls(operation="repos")):
            time.sleep(0.01)
        assert [call.status for call in calls] == [None]
        answer.result()

    assert [call.status for call in sim.state.calls(operation="repos")] == [200]


def test_a_fault_may_revoke_all_tokens(sim: RunningSimulator, swr: Swr) -> None:
    swr("GET", "/regions")
    sim.state.faults.add([Fault(operation="sync_images", token_kill=True, times=1)])

    assert swr("POST", PATH, json=BODY).status_code == 401
    assert swr("GET", "/regions").status_code == 401


def test_some_tags_fail_and_the_others_are_accepted(sim: RunningSimulator, swr: Swr) -> None:
    fault = Fault(failed_tags=("v2", "v3"), status=400, times=1)
    sim.state.faults.add([fault])
    response = swr("POST", PATH, json=BODY)

    assert (response.status_code, response.json()) == (400, ["v2"])
    assert [job.tag for job in sim.state.jobs()] == ["v1"]
    assert swr("POST", PATH, json=BODY).status_code == 200


def test_failed_tags_do_not_affect_calls_for_other_tags(sim: RunningSimulator, swr: Swr) -> None:
    sim.state.faults.add([Fault(failed_tags=("v9",), times=1)])

    assert swr("POST", PATH, json=BODY).status_code == 200
    assert len(sim.state.faults.all()) == 1


def test_a_fault_may_hit_iam(sim: RunningSimulator, login: Swr) -> None:
    sim.state.faults.add([Fault(IAM, "tokens", status=429, times=1), Fault(status=500)])

    assert [login().status_code for _ in range(2)] == [429, 201]


@pytest.mark.parametrize(
    ("narrowed", "status"),
    [
        ({"namespace": "group", "repository": "busybox"}, 500),
        ({"namespace": "team"}, 200),
        ({"repository": "web"}, 200),
        ({"tag": "v2"}, 500),
        ({"tag": "v3"}, 200),
        ({"target_region": "cn-east-3", "target_organization": "group"}, 500),
        ({"target_region": "ap-southeast-1"}, 200),
        ({"target_organization": "team"}, 200),
    ],
)
def test_a_fault_hits_only_matching_calls(
    control: Swr, swr: Swr, narrowed: dict[str, str], status: int
) -> None:
    control("PUT", "/faults", narrowed | {"status": 500})

    assert swr("POST", PATH, json=BODY).status_code == status


@pytest.mark.parametrize(
    ("path", "status"),
    [("/tags/v1", 500), ("/tags/v2", 404), ("/tags?tag=v1", 500), ("/tags", 200)],
)
def test_the_tag_of_a_call_is_in_its_path_or_query(
    sim: RunningSimulator, swr: Swr, path: str, status: int
) -> None:
    sim.state.faults.add([Fault(tag="v1", status=500)])

    assert swr("GET", f"/namespaces/group/repos/busybox{path}").status_code == status


def test_the_repository_of_a_fault_is_written_with_a_slash(sim: RunningSimulator, swr: Swr) -> None:
    sim.state.faults.add([Fault(repository="web/api", status=500)])

    assert swr("GET", "/namespaces/group/repos/web$api/tags").status_code == 500


def test_a_fault_may_hit_only_the_nth_matching_call(sim: RunningSimulator, swr: Swr) -> None:
    sim.state.faults.add([Fault(operation="regions", nth=2, status=503)])
    answers = [swr("GET", path) for path in ("/regions", "/repos", "/regions", "/regions")]

    assert [answer.status_code for answer in answers] == [200, 200, 503, 200]


def test_the_log_of_calls_names_the_faults_that_hit(
    sim: RunningSimulator, swr: Swr, control: Swr
) -> None:
    sim.state.faults.add([Fault(name="slow", delay=0.01), Fault(status=500, times=1)])
    swr("GET", "/regions")
    swr("GET", "/repos")

    assert [call["faults"] for call in control("GET", "/calls").json()] == [
        [],
        ["slow", "fault-2"],
        ["slow"],
    ]


def test_a_fault_may_lock_all_accounts_for_a_while(
    sim: RunningSimulator, login: Swr, advance: Callable[[float], None]
) -> None:
    sim.state.faults.add([Fault(IAM, "tokens", account_lock=True, times=1)])
    locked = [login(), login()]
    advance(sim.state.settings.lock_time)

    assert [answer.json()["error_code"] for answer in locked] == ["IAM.0061"] * 2
    assert login().status_code == 201


def test_an_answer_may_hide_that_the_call_was_carried_out(sim: RunningSimulator, swr: Swr) -> None:
    sim.state.faults.add(
        [Fault(status=504, effect="accepted", times=1), Fault(status=504, times=1)]
    )
    answers = [swr("POST", PATH, json=BODY) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [504, 504]
    assert [job.tag for job in sim.state.jobs()] == ["v1", "v2"]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"accepted_body": "tags"}, '["v1", "v2"]'),
        ({"accepted_body": "nothing"}, ""),
        ({"status": 200}, ""),
        ({"status": 200, "body": ["v1"]}, '["v1"]'),
        ({"status": 200, "body": "<html>"}, "<html>"),
    ],
)
def test_a_fault_may_change_the_answer_to_an_accepted_call(
    control: Swr, swr: Swr, fault: dict[str, Any], expected: str
) -> None:
    control("PUT", "/faults", fault | {"times": 1})
    answers = [swr("POST", PATH, json=BODY) for _ in range(2)]

    assert [(a.status_code, a.text) for a in answers] == [(200, expected), (200, "[]")]


def test_a_fault_may_make_a_call_refuse_an_unknown_organization(control: Swr, swr: Swr) -> None:
    control("PUT", "/faults", {"unknown_organization": "refuse", "times": 1})
    body = BODY | {"remoteNamespace": "nowhere"}

    assert [swr("POST", PATH, json=body).status_code for _ in range(2)] == [404, 200]


def test_a_fault_may_remove_a_header(control: Swr, swr: Swr) -> None:
    control("PUT", "/faults", {"without_headers": ["content-range"], "times": 1})
    answers = [swr("GET", "/namespaces/group/repos/busybox/tags") for _ in range(2)]

    assert [answer.headers.get("Content-Range") for answer in answers] == [None, "0-1/1"]


def test_all_tags_may_fail(control: Swr, swr: Swr, sim: RunningSimulator) -> None:
    control("PUT", "/faults", {"failed_tags": ["*"], "status": 500, "times": 1})
    answer = swr("POST", PATH, json=BODY)

    assert (answer.status_code, answer.json()) == (500, ["v1", "v2"])
    assert sim.state.jobs() == []
    assert [call.faults for call in sim.state.calls(operation="sync_images")] == [("fault-1",)]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"operation": "sync_image"}, "operation: Must be one of"),
        ({"region": "atlantis"}, "unknown region atlantis"),
        ({"region": "iam", "operation": "tags"}, "iam has no operation 'tags'"),
        ({"operation": "tokens"}, "* has no operation 'tokens'"),
        ({"stauts": 500}, "stauts: Unknown field."),
        ({"times": 0}, "times: Must be greater"),
        ({"status": 99}, "status: Must be greater"),
        ({"nth": 0}, "nth: Must be greater"),
        ({"share": 1.5}, "share: Must be greater"),
        ({"error": "SVCSTG.SWR.1"}, "error: Not a known code."),
        ({"connection": "slow"}, "connection: Must be one of"),
        ({"job": "failed", "status": 500}, "status would be without effect beside job."),
        ({"failed_tags": ["v1"], "delay": 1}, "delay would be without effect beside failed_tags."),
    ],
)
def test_a_fault_without_effect_is_refused(
    control: Swr, fault: dict[str, Any], expected: str
) -> None:
    response = control("POST", "/faults", fault)

    assert response.status_code == 400
    assert expected in response.json()["error"]
    assert control("GET", "/faults").json() == []


@pytest.mark.parametrize(("project", "expected"), [("cn-east-3", 401), ("cn-north-4", 201)])
def test_a_fault_may_hit_the_logins_of_one_project(
    control: Swr, login: Swr, project: str, expected: int
) -> None:
    control("PUT", "/faults", {"region": "iam", "project": "cn-east-3", "status": 401, "body": {}})

    assert login(project).status_code == expected


def test_a_fault_may_remove_members_from_a_list(control: Swr, swr: Swr) -> None:
    control("PUT", "/faults", {"operation": "tags", "without_members": ["digest", "manifest"]})

    [tag] = swr("GET", "/namespaces/group/repos/busybox/tags").json()

    assert tag["Tag"] == "v1"
    assert "digest" not in tag
