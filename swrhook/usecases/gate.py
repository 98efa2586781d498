"""The deploy gate: may the pods of an AdmissionReview of Kubernetes start? No I/O.

Format: https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from swrhook.config.model import Gate
from swrhook.errors import Undecodable
from swrhook.model import Target
from swrhook.swr_names import is_digest, is_namespace, is_repository, is_tag
from swrhook.syncs.availability import Availability
from swrhook.usecases.availability.check import CheckedCopy
from swrhook.usecases.availability.copies import AskedImage

VERSION = "admission.k8s.io/v1"
# A pod has a handful of images.
MOST_IMAGES = 50
# Kubernetes sends a UUID.
_LONGEST_UID = 100
# Kubernetes cuts longer warnings.
_LONGEST_WARNING = 250
# Where the specification of pods is in an object, by its kind; in others it is in a template.
_POD_SPECS = {
    "Pod": ("spec",),
    "PodTemplate": ("template", "spec"),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
}
_IN_TEMPLATE = ("spec", "template", "spec")
_CONTAINERS = ("initContainers", "containers", "ephemeralContainers")
_DESCRIPTIONS = {
    Availability.PENDING: "is not there yet, a sync is on its way",
    Availability.MISSING: "is not there",
    Availability.CHANGED: "is there with another digest",
    Availability.UNKNOWN: "may be there or not",
}


class Verdict(StrEnum):
    """What becomes of the pods."""

    ALLOWED = "allowed"
    WARNED = "warned"  # allowed, although an image is not there
    DENIED = "denied"
    UNKNOWN = "unknown"  # allowed, since nothing is known and the gate fails open


@dataclass(frozen=True, slots=True)
class Review:
    """A request of Kubernetes' API server, and the watched images that its object uses."""

    uid: str
    images: Sequence[tuple[AskedImage, Target]]


def read_review(content: object, gate: Gate) -> Review:
    """Read an AdmissionReview. Raises Undecodable."""
    request = _member(content, "request")
    uid = request.get("uid")
    is_review = isinstance(content, Mapping) and content.get("apiVersion") == VERSION
    # It is repeated in the answer and in the log.
    if not is_review or not isinstance(uid, str) or not 0 < len(uid) <= _LONGEST_UID:
        raise Undecodable(f"the body is not an AdmissionReview of {VERSION} with a request")
    references = dict.fromkeys(_references(request))
    images = [image for text in references if (image := _watched(text, gate)) is not None]
    if len(images) > MOST_IMAGES:
        raise Undecodable(f"the object uses more than {MOST_IMAGES} images")
    return Review(uid, images)


def decide(checked: Sequence[CheckedCopy], gate: Gate) -> tuple[Verdict, Sequence[str]]:
    """Return the verdict on the images that were checked, and what is wrong with them."""
    by_image: dict[tuple[str, Target], list[CheckedCopy]] = {}
    for copy in checked:
        by_image.setdefault((str(copy.copy.asked), copy.copy.at), []).append(copy)
    obstacles = [
        copies[0]
        for copies in by_image.values()
        if not any(copy.state is Availability.AVAILABLE for copy in copies)
    ]
    reasons = [_describe(obstacle) for obstacle in obstacles]
    if any(obstacle.state is not Availability.UNKNOWN for obstacle in obstacles):
        return (Verdict.DENIED if gate.mode == "deny" else Verdict.WARNED), reasons
    return decide_unknown(reasons, gate)


def decide_unknown(reasons: Sequence[str], gate: Gate) -> tuple[Verdict, Sequence[str]]:
    """Return the verdict if nothing but what these say is wrong: something is not known."""
    if not reasons:
        return Verdict.ALLOWED, ()
    is_denied = gate.mode == "deny" and gate.fail == "closed"
    return (Verdict.DENIED if is_denied else Verdict.UNKNOWN), reasons


def write_review(review: Review, verdict: Verdict, reasons: Sequence[str]) -> dict[str, Any]:
    """Return the AdmissionReview that answers one."""
    response: dict[str, Any] = {"uid": review.uid, "allowed": verdict is not Verdict.DENIED}
    if verdict is Verdict.DENIED:
        response["status"] = {"code": 403, "message": f"swrhook: {'; '.join(reasons)}"}
    elif reasons:
        response["warnings"] = [f"swrhook: {text}"[:_LONGEST_WARNING] for text in reasons]
    return {"apiVersion": VERSION, "kind": "AdmissionReview", "response": response}


def _describe(checked: CheckedCopy) -> str:
    where = f"{checked.copy.asked} in {checked.copy.at}"
    reason = f": {checked.reason}" if checked.reason else ""
    return f"{where} {_DESCRIPTIONS[checked.state]}{reason}"


def _references(request: Mapping[str, Any]) -> Iterator[str]:
    """Yield the images that the object of a request uses; a deletion has no object."""
    spec = _member(request, "object")
    for name in _POD_SPECS.get(str(_member(request, "kind").get("kind")), _IN_TEMPLATE):
        spec = _member(spec, name)
    for name in _CONTAINERS:
        containers = spec.get(name)
        for container in containers if isinstance(containers, list) else ():
            image = _member({"container": container}, "container").get("image")
            if isinstance(image, str):
                yield image


def _watched(reference: str, gate: Gate) -> tuple[AskedImage, Target] | None:
    """Return the image of a reference and where it is pulled from; None if it is not watched."""
    name, at, digest = reference.partition("@")
    host, _, path = name.partition("/")
    region = gate.registries.get(host)
    namespace, _, rest = path.partition("/")
    repository, _, tag = rest.partition(":")
    tag = tag or ("" if at else "latest")
    is_named = is_namespace(namespace) and is_repository(repository)
    is_valid = is_named and (not tag or is_tag(tag)) and (not at or is_digest(digest))
    if region is None or not is_valid:
        return None  # of another registry; or Kubernetes will refuse it itself
    if gate.namespaces is not None and namespace not in gate.namespaces:
        return None
    return AskedImage(namespace, repository, tag or None, digest or None), Target(region, namespace)


def _member(content: object, name: str) -> Mapping[str, Any]:
    """Return a member that is a mapping; an empty one in its place."""
    value = content.get(name) if isinstance(content, Mapping) else None
    return value if isinstance(value, Mapping) else {}
