"""POST /gate: the validating admission webhook of Kubernetes."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from swrhook.config.model import Access, Gate
from swrhook.rules.glob import Glob
from swrhook.rules.namespaces import Namespaces
from swrhook.syncs.observations import Place
from swrhook.usecases.availability.check import MOST_WAITING
from tests.waiting import eventually
from tests.web.harness import ASK, EAST, READ, WebHarness
from tests.web.reviews import HOST, pod_review

IMAGE = f"{HOST}/team/web:v1"
IN_EAST = Place("cn-east-3", "team", "web", "v1")
SECOND = timedelta(seconds=1)


@pytest.fixture(autouse=True)
def gate(harness: WebHarness) -> None:
    let_gate_be(harness, mode="deny")


def let_gate_be(harness: WebHarness, **values: Any) -> None:
    gate = Gate(registries=harness.config.gate.registries, **values)
    harness.config = replace(harness.config, gate=gate)


def post(harness: WebHarness, content: Any = None, path: str = f"/gate/{ASK}") -> TestResponse:
    return harness.client(None).post(path, json=pod_review(IMAGE) if content is None else content)


def response(harness: WebHarness) -> dict[str, Any]:
    answer = post(harness)
    assert (answer.status_code, answer.get_json()["kind"]) == (200, "AdmissionReview")
    members: dict[str, Any] = answer.get_json()["response"]
    return members


def test_a_pod_is_denied_until_its_image_is_there(harness: WebHarness) -> None:
    harness.push("team/web:v1", EAST)
    harness.held[IN_EAST] = None
    harness.config = replace(harness.config, gate=replace(harness.config.gate, max_age=SECOND))
    denied = response(harness)
    del harness.held[IN_EAST]
    assert eventually(lambda: response(harness)["allowed"])  # what was seen is a second old then
    answer = response(harness)

    assert denied["allowed"] is False
    assert "cn-east-3/team is not there yet" in denied["status"]["message"]
    assert answer == {"uid": denied["uid"], "allowed": True}


def test_a_tag_is_compared_with_what_its_source_holds(harness: WebHarness) -> None:
    """The source is known from the first sync that was seen at the target."""
    harness.push("team/web:v1", EAST)
    harness.held[IN_EAST] = "sha256:" + "b" * 64

    assert "is there with another digest" in response(harness)["status"]["message"]


def test_warnings_let_a_pod_start(harness: WebHarness) -> None:
    let_gate_be(harness, mode="warn")
    harness.held[IN_EAST] = None

    answer = response(harness)

    assert answer["allowed"] is True
    assert answer["warnings"] == ["swrhook: team/web:v1 in cn-east-3/team is not there"]


@pytest.mark.parametrize(("fail", "allowed"), [("open", True), ("closed", False)])
def test_what_is_not_known_follows_the_setting(
    harness: WebHarness,
    fail: str,
    allowed: bool,  # noqa: FBT001  # a column
) -> None:
    let_gate_be(harness, mode="deny", fail=fail)
    harness.has_workers = False
    places = harness.context.availability._waiting  # noqa: SLF001  # all its places are taken
    for _ in range(MOST_WAITING):
        places.acquire()

    answer = response(harness)

    assert answer["allowed"] is allowed
    texts = answer["warnings"] if allowed else [answer["status"]["message"]]
    assert "too many requests of this process wait for SWR" in texts[0]


def test_pods_of_other_registries_start_without_a_look(harness: WebHarness) -> None:
    assert post(harness, pod_review("nginx")).get_json()["response"]["allowed"] is True
    assert harness.looks == []


def test_a_gate_that_is_off_is_404(harness: WebHarness) -> None:
    let_gate_be(harness)

    assert post(harness).status_code == 404


def test_a_token_is_needed_in_the_path_or_the_header(harness: WebHarness) -> None:
    assert post(harness, path="/gate").status_code == 401
    assert post(harness, path="/gate/guessed-token-guessed").status_code == 401
    in_header = harness.client(READ).post("/gate", json=pod_review(IMAGE))
    assert in_header.status_code == 200


def test_a_token_for_some_organizations_is_refused(harness: WebHarness) -> None:
    tokens = [
        replace(token, namespaces=Namespaces((Glob("team"),)))
        for token in harness.config.access.tokens
    ]
    harness.let_access_be(Access(tokens))

    assert post(harness).status_code == 403


@pytest.mark.parametrize("content", [{}, [], {"apiVersion": "admission.k8s.io/v1"}])
def test_what_is_no_review_is_400(harness: WebHarness, content: Any) -> None:
    assert post(harness, content).status_code == 400
