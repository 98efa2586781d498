"""The deploy gate: which images of an AdmissionReview are watched, and what becomes of the pod."""

from dataclasses import replace
from typing import Any

import pytest

from swrhook.config.model import Gate
from swrhook.errors import Undecodable
from swrhook.model import Target
from swrhook.rules.glob import Glob
from swrhook.rules.namespaces import Namespaces
from swrhook.syncs.availability import Availability
from swrhook.usecases.availability.check import CheckedCopy
from swrhook.usecases.availability.copies import AskedImage, Copy
from swrhook.usecases.gate import MOST_IMAGES, Verdict, decide, read_review, write_review
from tests.factories import A
from tests.web.reviews import HOST, pod_review, review

GATE = Gate(mode="deny", registries={HOST: "cn-east-3", "registry.internal:5000": "cn-north-4"})
EAST = Target("cn-east-3", "team")
SHOP = AskedImage("team", "web/shop", "1.4")


def images(content: object, gate: Gate = GATE) -> list[tuple[str, str]]:
    return [(str(image), str(at)) for image, at in read_review(content, gate).images]


@pytest.mark.parametrize(
    ("reference", "image"),
    [
        (f"{HOST}/team/web/shop:1.4", "team/web/shop:1.4"),
        (f"{HOST}/team/shop", "team/shop:latest"),
        (f"{HOST}/team/shop@{A}", f"team/shop@{A}"),
        (f"{HOST}/team/shop:1.4@{A}", f"team/shop:1.4@{A}"),
    ],
)
def test_images_of_our_registries_are_watched(reference: str, image: str) -> None:
    assert images(pod_review(reference)) == [(image, "cn-east-3/team")]


def test_a_registry_with_a_port_may_be_ours() -> None:
    assert images(pod_review("registry.internal:5000/team/shop:1")) == [
        ("team/shop:1", "cn-north-4/team")
    ]


@pytest.mark.parametrize(
    "reference",
    [
        "nginx",
        "docker.io/library/nginx:1",
        "swr.eu-west-0.myhuaweicloud.com/team/shop:1",
        f"{HOST}/shop:1",
        f"{HOST}/Team/shop:1",
        f"{HOST}/team/shop@sha256:short",
        "",
    ],
)
def test_other_images_are_not_watched(reference: str) -> None:
    assert images(pod_review(reference)) == []


def test_only_some_organizations_may_be_watched() -> None:
    gate = replace(GATE, namespaces=Namespaces((Glob("team-*"),)))
    references = [f"{HOST}/{name}/shop:1" for name in ("team-a", "others")]

    assert images(pod_review(*references), gate) == [("team-a/shop:1", "cn-east-3/team-a")]


def test_every_kind_of_container_counts_and_each_image_once() -> None:
    name = f"{HOST}/team/shop"
    spec = {
        "initContainers": [{"image": f"{name}:init"}],
        "containers": [{"image": f"{name}:1"}, {"image": f"{name}:1"}],
        "ephemeralContainers": [{"image": f"{name}:debug"}],
    }

    found = [image for image, _ in images(review("Pod", {"spec": spec}))]
    assert found == ["team/shop:init", "team/shop:1", "team/shop:debug"]


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("Deployment", ("spec", "template", "spec")),
        ("Job", ("spec", "template", "spec")),
        ("PodTemplate", ("template", "spec")),
        ("CronJob", ("spec", "jobTemplate", "spec", "template", "spec")),
    ],
)
def test_the_pods_of_templates_are_watched(kind: str, path: tuple[str, ...]) -> None:
    content: Any = {"containers": [{"image": f"{HOST}/team/shop:1"}]}
    for name in reversed(path):
        content = {name: content}

    assert images(review(kind, content)) == [("team/shop:1", "cn-east-3/team")]


@pytest.mark.parametrize(
    "content",
    [
        None,
        {"spec": None},
        {"spec": {"containers": None}},
        {"spec": {"containers": {"image": "x"}}},
        {"spec": {"containers": [None, 1, {"image": 7}, {}]}},
    ],
)
def test_an_object_without_images_is_allowed(content: object) -> None:
    """A deletion has no object; what is wrong with a pod Kubernetes says itself."""
    assert images(review("Pod", content)) == []


@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        {},
        {"apiVersion": "admission.k8s.io/v1", "request": {}},
        {"apiVersion": "admission.k8s.io/v1beta1", "request": {"uid": "1"}},
        {"apiVersion": "admission.k8s.io/v1", "request": "1"},
        {"apiVersion": "admission.k8s.io/v1", "request": {"uid": "1" * 1000}},
        {"apiVersion": "admission.k8s.io/v1", "request": {"uid": ["1"] * 1000}},
    ],
)
def test_what_is_no_review_is_refused(content: object) -> None:
    with pytest.raises(Undecodable):
        read_review(content, GATE)


def test_a_pod_of_very_many_images_is_refused() -> None:
    references = [f"{HOST}/team/shop:{number}" for number in range(MOST_IMAGES + 1)]

    with pytest.raises(Undecodable, match="more than 50 images"):
        read_review(pod_review(*references), GATE)


def checked(*states: Availability, asked: AskedImage = SHOP) -> list[CheckedCopy]:
    return [CheckedCopy(Copy(asked, EAST, None), state) for state in states]


AVAILABLE, PENDING, MISSING = Availability.AVAILABLE, Availability.PENDING, Availability.MISSING
CHANGED, UNKNOWN = Availability.CHANGED, Availability.UNKNOWN


@pytest.mark.parametrize(
    ("states", "denying", "warning", "closed"),
    [
        ([], "allowed", "allowed", "allowed"),
        ([AVAILABLE], "allowed", "allowed", "allowed"),
        ([PENDING], "denied", "warned", "denied"),
        ([MISSING], "denied", "warned", "denied"),
        ([CHANGED], "denied", "warned", "denied"),
        ([UNKNOWN], "unknown", "unknown", "denied"),
        ([MISSING, AVAILABLE], "allowed", "allowed", "allowed"),  # another tag of the digest
    ],
)
def test_the_verdict_follows_the_mode(
    states: list[Availability], denying: str, warning: str, closed: str
) -> None:
    gates = (GATE, replace(GATE, mode="warn"), replace(GATE, fail="closed"))

    assert [decide(checked(*states), gate)[0] for gate in gates] == [denying, warning, closed]


def test_one_image_that_is_not_there_denies_a_pod_with_an_unknown_one() -> None:
    other = replace(SHOP, tag="2.0")

    verdict, reasons = decide([*checked(UNKNOWN), *checked(MISSING, asked=other)], GATE)

    assert (verdict, len(reasons)) == (Verdict.DENIED, 2)


def test_a_denial_names_the_image_and_the_place() -> None:
    asked = read_review(pod_review(f"{HOST}/team/web/shop:1.4"), GATE)

    answer = write_review(asked, *decide(checked(PENDING), GATE))

    assert answer == {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "response": {
            "uid": asked.uid,
            "allowed": False,
            "status": {
                "code": 403,
                "message": "swrhook: team/web/shop:1.4 in cn-east-3/team is not there yet, a sync"
                " is on its way",
            },
        },
    }


def test_a_warning_is_short_enough_for_kubernetes() -> None:
    asked = read_review(pod_review(f"{HOST}/team/web/shop:1.4"), GATE)

    answer = write_review(asked, Verdict.WARNED, ["x" * 1000])

    assert answer["response"]["allowed"] is True
    assert [len(text) for text in answer["response"]["warnings"]] == [250]
