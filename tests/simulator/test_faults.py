import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from werkzeug import Response

from swrhook.simulator import Fault, RunningSimulator
from swrhook.simulator.faults import EFFECTS, HUNG_UP, Hit
from swrhook.simulator.values import IAM

Swr = Callable[..., requests.Response]
PATH = "/namespaces/group/repos/busybox/sync_images"
BODY = {"imageTag": ["v1", "v2"], "remoteNamespace": "group", "remoteRegionId": "cn-east-3"}


@pytest.fixture
def sim(sim: RunningSimulator) -> RunningSimulator:
    sim.state.seed("cn-north-4", "group", "busybox", "v1")
    return sim


def test_a_canned_answer_is_given_as_often_as_asked(swr: Swr, control: Swr) -> None:
    throttled = {"error_msg": "…", "error_code": "APIGW.0308", "request_id": "1"}
    fault = {"status": 429, "body": throttled, "headers": {"Retry-After": "3"}, "times": 2}
    control("PUT", "/faults", fault | {"region": "cn-north-4", "operation": "sync_images"})
    answers = [swr("POST", PATH, json=BODY) for _ in range(3)]

    assert [429, 429, 200] == [answer.status_code for answer in answers]
    assert (throttled, "3") == (answers[0].json(), answers[0].headers["Retry-After"])
    assert "application/json" == answers[0].headers["Content-Type"]
    assert [] == control("GET", "/faults").json()


def test_answers_are_given_one_after_the_other(sim: RunningSimulator, swr: Swr) -> None:
    sim.state.faults.add([Fault(status=503, times=1), Fault(status=502, body="<p>", times=1)])
    answers = [swr("GET", "/regions") for _ in range(3)]

    assert [503, 502, 200] == [answer.status_code for answer in answers]
    assert ("<p>", "text/html") == (answers[1].text, answers[1].headers["Content-Type"])


@pytest.mark.parametrize(
    "elsewhere", [Fault("cn-east-3", "*", status=500), Fault("cn-north-4", "tag", status=500)]
)
def test_a_fault_strikes_only_where_it_is_meant(
    sim: RunningSimulator, swr: Swr, elsewhere: Fault
) -> None:
    sim.state.faults.add([elsewhere])

    assert 200 == swr("GET", "/regions").status_code


@pytest.mark.parametrize("path", ["/namespaces", "/namespaces/group"])
def test_namespaces_are_one_operation(sim: RunningSimulator, swr: Swr, path: str) -> None:
    sim.state.faults.add([Fault(operation="namespaces", status=500)])

    assert 500 == swr("GET", path).status_code


def test_a_slow_call_is_slow_and_then_answered(sim: RunningSimulator, swr: Swr) -> None:
    swr("GET", "/regions")
    sim.state.faults.add([Fault(delay=0.2, times=1)])
    started = time.monotonic()

    assert 200 == swr("GET", "/regions").status_code
    assert time.monotonic() - started >= 0.2


def test_a_call_is_recorded_from_its_arrival_on(sim: RunningSimulator, swr: Swr) -> None:
    swr("GET", "/regions")
    sim.state.faults.add([Fault(delay=0.5, times=1)])
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(swr, "GET", "/repos")
        while not (calls := sim.state.calls(operation="repos")):
            time.sleep(0.01)
        assert [None] == [call.status for call in calls]
        answer.result()

    assert [200] == [call.status for call in sim.state.calls(operation="repos")]


def test_tokens_are_killed_in_the_middle_of_work(sim: RunningSimulator, swr: Swr) -> None:
    swr("GET", "/regions")
    sim.state.faults.add([Fault(operation="sync_images", token_kill=True, times=1)])

    assert 401 == swr("POST", PATH, json=BODY).status_code
    assert 401 == swr("GET", "/regions").status_code


def test_some_tags_fail_and_the_others_are_accepted(sim: RunningSimulator, swr: Swr) -> None:
    fault = Fault(failed_tags=("v2", "v3"), status=400, times=1)
    sim.state.faults.add([fault])
    response = swr("POST", PATH, json=BODY)

    assert (400, ["v2"]) == (response.status_code, response.json())
    assert ["v1"] == [job.tag for job in sim.state.jobs()]
    assert 200 == swr("POST", PATH, json=BODY).status_code


def test_failing_tags_leave_calls_for_other_tags_alone(sim: RunningSimulator, swr: Swr) -> None:
    sim.state.faults.add([Fault(failed_tags=("v9",), times=1)])

    assert 200 == swr("POST", PATH, json=BODY).status_code
    assert 1 == len(sim.state.faults.all())


def test_a_fault_may_strike_iam(sim: RunningSimulator, login: Swr) -> None:
    sim.state.faults.add([Fault(IAM, "tokens", status=429, times=1), Fault(status=500)])

    assert [429, 201] == [login().status_code for _ in range(2)]


def test_an_effect_may_deal_with_the_client_itself(
    sim: RunningSimulator, swr: Swr, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hang_up(_fault: Fault, hit: Hit) -> Response:
        hit.environ["werkzeug.socket"].sendall(b"HTT")
        hit.environ[HUNG_UP] = True
        return Response()

    swr("GET", "/regions")
    sim.state.faults.add([Fault(times=1)])
    with monkeypatch.context() as patch:
        patch.setattr("swrhook.simulator.faults.EFFECTS", (hang_up, *EFFECTS))
        with pytest.raises(requests.ConnectionError):
            swr("GET", "/regions")

    assert 200 == swr("GET", "/regions").status_code


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
    ],
)
def test_a_fault_that_would_never_strike_is_refused(
    control: Swr, fault: dict[str, Any], expected: str
) -> None:
    response = control("POST", "/faults", fault)

    assert 400 == response.status_code
    assert expected in response.json()["error"]
    assert [] == control("GET", "/faults").json()
