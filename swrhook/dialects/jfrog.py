"""JFrog Artifactory's predefined webhooks of the domain `docker`.

Payload: https://jfrog.com/help/r/jfrog-platform-administration-documentation/domain-docker, and
Kargo's receiver for `image_type` and paths, read August 2026.
"""

from typing import Any

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Announcement, Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery

MANIFESTS = frozenset({"manifest.json", "list.manifest.json"})


def parse(delivery: Delivery) -> Reading:
    """Read the tag that was pushed.

    Raises Undecodable, UnknownShape, or Ignored when the event is no push of an image's tag.
    """
    document = payload.decode(delivery.body)
    domain, event = payload.text(document, "domain"), payload.text(document, "event_type")
    if domain is None or event is None:
        raise UnknownShape("the body has no `domain` or no `event_type`")
    if (domain, event) != ("docker", "pushed"):
        raise Ignored(f"{payload.shown(event)} of {payload.shown(domain)} is not a push of docker")
    return payload.reading([_read(payload.at(document, "data"))])


def _read(data: Any) -> Announcement | str:  # noqa: ANN401
    """Return what the data of a push announce, or why they announce nothing."""
    folder, _, file = (payload.text(data, "path") or "").rpartition("/")
    name = _name(payload.text(data, "image_name"), folder.rpartition("/")[0])
    if not name:
        raise UnknownShape("a push names no image")
    if payload.text(data, "image_type") == "oci" and file not in MANIFESTS:
        return f"{payload.shown(name)}: an OCI artifact that is no image (a chart)"
    tag = payload.tag(data, "tag")
    if tag is None:
        return f"{payload.shown(name)}: a push without a tag"
    # The checksum of a manifest is its digest; other files have one as well.
    checksum = payload.text(data, "sha256") if file in MANIFESTS else None
    return Announcement(name, tag, payload.digest({"digest": f"sha256:{checksum}"}, "digest"))


def _name(image: str | None, path: str) -> str:
    """Return the whole name: `image_name` may lack the beginning, which the path then has."""
    if image is None or f"/{path}".endswith(f"/{image}"):
        return path
    return image
