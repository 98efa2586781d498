"""JFrog Artifactory's predefined webhooks in the domain `docker`.

Payload: https://jfrog.com/help/r/jfrog-platform-administration-documentation/domain-docker, and,
for `image_type` and the paths, Kargo's webhook receiver; read August 2026.
"""

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery
from swrhook.wording.message import say

MANIFESTS = frozenset({"manifest.json", "list.manifest.json"})


def parse(delivery: Delivery) -> Reading:
    """Read the tag that was pushed.

    Raises Undecodable, UnknownShape, or Ignored if the event is not the push of an image's tag.
    """
    document = payload.decode(delivery.body)
    domain, event = payload.text(document, "domain"), payload.text(document, "event_type")
    if domain is None or event is None:
        raise UnknownShape(say("the body has no `domain` or no `event_type`"))
    if (domain, event) != ("docker", "pushed"):
        raise Ignored(
            say(
                "%(event)s in %(domain)s is not a docker push",
                event=payload.quote(event),
                domain=payload.quote(domain),
            )
        )
    data = payload.get(document, "data")
    folder, _, file = (payload.text(data, "path") or "").rpartition("/")
    name = _repository_name(payload.text(data, "image_name"), folder.rpartition("/")[0])
    if not name:
        raise UnknownShape(say("a push names no image"))
    if payload.text(data, "image_type") == "oci" and file not in MANIFESTS:
        raise Ignored(
            say(
                "%(name)s: an OCI artifact that is not an image (a chart)", name=payload.quote(name)
            )
        )
    # Every file has a checksum, but only that of a manifest is the image's digest.
    checksum = payload.text(data, "sha256") if file in MANIFESTS else None
    digest = payload.digest(f"sha256:{checksum}")
    return payload.to_reading([payload.announce(name, payload.tag(data, "tag"), digest)])


def _repository_name(image: str | None, path: str) -> str:
    """Return the full name, from the path if `image_name` has only the end of it."""
    if image is None or f"/{path}".endswith(f"/{image}"):
        return path
    return image
