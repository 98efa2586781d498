"""The deploy gate of the real service denies a pod until its image has arrived."""

from typing import Any

import requests

from swrhook import simulator
from tests.programs import TOKEN, Served
from tests.service.conftest import SOURCE, TARGET, document
from tests.waiting import eventually
from tests.web.reviews import pod_review

REGISTRY = "registry.of-the-target:5000"
IMAGE = "team/app:v1"


def ask(service: Served, image: str) -> dict[str, Any]:
    """Send a pod's AdmissionReview, as Kubernetes does."""
    answer = requests.post(
        f"{service.url}/gate/{TOKEN}", json=pod_review(f"{REGISTRY}/{image}"), timeout=20
    )
    assert answer.status_code == 200, answer.text
    response: dict[str, Any] = answer.json()["response"]
    return response


def ask_until(service: Served, *, allowed: bool) -> None:
    """Try again, as a controller does."""
    assert eventually(lambda: ask(service, IMAGE)["allowed"] is allowed)


def test_a_pod_is_denied_until_its_image_is_there_and_again_when_it_is_gone(
    service: Served, swr: simulator.RunningSimulator
) -> None:
    gate = {"mode": "deny", "max_age": "1s", "registries": {REGISTRY: TARGET}}
    service.configure({**document(swr), "gate": gate})
    service.start()
    before = ask(service, IMAGE)
    assert service.deliver("ci", {"image": IMAGE}).status_code == 202
    ask_until(service, allowed=True)

    held = swr.state.store(TARGET).tag("team", "app", "v1")
    assert held is not None  # now that the pod may start
    assert held.digest == swr.state.digest(SOURCE, "team", "app", "v1")
    swr.state.remove(TARGET, held)
    ask_until(service, allowed=False)  # when what was seen is older than max_age
    gone = ask(service, IMAGE)

    assert "is not there" in before["status"]["message"]
    assert "is not there" in gone["status"]["message"]
    assert ask(service, "team/other:v1")["allowed"] is False
