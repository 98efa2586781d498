"""Tests of errors: codes, statuses and shapes."""

from collections.abc import Callable
from typing import Any

import pytest
import requests

from swrhook.simulator import Fault, RunningSimulator, error_codes, errors
from swrhook.simulator.model import IAM

Swr = Callable[..., requests.Response]
BUSY = "SVCSTG.SWR.4090023"


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("array", [{"errorCode": BUSY, "errorMessage": "The system is busy.", "detail": ""}]),
        ("errors", {"errors": [{"errorCode": BUSY, "errorMessage": "The system is busy."}]}),
        ("object", {"errorCode": BUSY, "errorMessage": "The system is busy.", "detail": ""}),
    ],
)
def test_an_error_of_swr_has_the_configured_shape(
    control: Swr, swr: Swr, shape: str, expected: object
) -> None:
    control("PUT", "/faults", {"error": BUSY, "error_shape": shape, "times": 1})
    control("PUT", "/settings", {"error_shape": shape})
    answers = [swr("GET", "/regions")]
    control("PUT", "/faults", {"error": BUSY})
    answers.append(swr("GET", "/regions"))

    assert [(409, expected)] * 2 == [(a.status_code, a.json()) for a in answers]
    assert answers[0].headers["Content-Type"] == "application/json"


def test_a_fault_may_change_only_the_shape_of_errors(control: Swr, swr: Swr) -> None:
    control("PUT", "/faults", {"error_shape": "errors"})

    assert list(swr("GET", "/namespaces/nowhere").json()) == ["errors"]


@pytest.mark.parametrize(
    ("fault", "status", "expected"),
    [
        ({"error": "APIGW.0308"}, 429, "APIGW.0308"),
        ({"error": "APIGW.0613"}, 503, "APIGW.0613"),
        ({"error": "APIGW.0201"}, 400, "APIGW.0201"),
        ({"error": "APIGW.0201", "status": 504}, 504, "APIGW.0201"),
        ({"error": "IAM.0002"}, 403, "IAM.0002"),
    ],
)
def test_an_error_of_the_gateway_or_of_iam_has_its_own_shape(
    control: Swr, swr: Swr, fault: dict[str, Any], status: int, expected: str
) -> None:
    control("PUT", "/faults", fault)
    answer = swr("GET", "/regions")

    assert (answer.status_code, answer.json()["error_code"]) == (status, expected)
    assert answer.json()["error_msg"]
    if expected.startswith("APIGW"):
        assert answer.headers["X-Request-Id"] == answer.json()["request_id"]


def test_the_message_of_the_gateway_depends_on_the_status(control: Swr, swr: Swr) -> None:
    control("PUT", "/faults", {"error": "APIGW.0201", "status": 504})

    assert swr("GET", "/regions").json()["error_msg"] == "Backend timeout."


def test_throttling_may_have_a_retry_after_header(control: Swr, swr: Swr) -> None:
    with_header = {"error": "APIGW.0308", "headers": {"Retry-After": "3"}, "times": 1}
    hidden = {"error": "SVCSTG.SWR.4031042", "times": 1}
    control("PUT", "/faults", [with_header, {"error": "APIGW.0308", "times": 1}, hidden])
    answers = [swr("GET", "/regions") for _ in range(4)]

    assert [(answer.status_code, answer.headers.get("Retry-After")) for answer in answers] == [
        (429, "3"),
        (429, None),
        (403, None),
        (200, None),
    ]


def test_iam_may_throttle(sim: RunningSimulator, login: Swr) -> None:
    sim.state.faults.add([Fault(IAM, "tokens", error="IAM.0012", times=1)])

    assert [login().status_code for _ in range(2)] == [429, 201]


@pytest.mark.parametrize(("status", "title"), [(502, "502 Bad Gateway"), (599, "599")])
def test_a_status_without_an_error_is_a_proxys_page(
    control: Swr, swr: Swr, status: int, title: str
) -> None:
    control("PUT", "/faults", {"status": status})
    answer = swr("GET", "/regions")

    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "text/html")
    assert f"<h1>{title}</h1>" in answer.text


def test_every_known_code_has_a_status_and_a_message() -> None:
    refused = [errors.from_code(code) for code in error_codes.KNOWN]

    assert list(error_codes.KNOWN) == [refusal.code for refusal in refused]
    assert {400 <= refusal.status <= 599 and bool(refusal.message) for refusal in refused} == {True}
