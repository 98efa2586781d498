"""GitHub's webhooks about container packages: ghcr.io, and docker.pkg.github.com before it.

Payload: https://docs.github.com/en/webhooks/webhook-events-and-payloads#package, read August 2026.
Repositories and organizations send `package`, Apps the same as `registry_package`; the body is JSON
or a form. `ecosystem` and `namespace` are not used: GitHub's own examples contradict each other.
"""

from collections.abc import Mapping

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Announcement, Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery
from swrhook.wording.message import Message, say

PACKAGES = ("package", "registry_package")
ACTIONS = frozenset({"published", "updated"})
TYPES = frozenset({"container", "docker"})
CHART = "application/vnd.cncf.helm.config.v1+json"

REPORT = say(
    "event %(event)s names no image: add a step that calls a sender with dialect generic to the"
    " workflow"
)
OTHER_EVENTS: Mapping[str, Message] = {
    "ping": say("event %(event)s is GitHub's test of the webhook"),
    "workflow_job": REPORT,
    "workflow_run": REPORT,
}
SUBSCRIBE = say('event %(event)s announces no image: subscribe the webhook to "Packages" only')


def parse(delivery: Delivery) -> Reading:
    """Read the tag of the package version that was published.

    Raises Undecodable, UnknownShape, or Ignored if no tag of an image was published.
    """
    document = payload.decode_form(delivery.body)
    event = delivery.header("x-github-event")
    if event and event not in PACKAGES:
        raise Ignored(OTHER_EVENTS.get(event, SUBSCRIBE).using(event=payload.quote(event)))
    packages = (payload.get(document, key) for key in PACKAGES)
    package = next((package for package in packages if isinstance(package, Mapping)), None)
    if package is None:
        raise UnknownShape(say("the body has neither `package` nor `registry_package`"))
    _check_push(document, package)
    delivery_id = payload.text(delivery.headers, "x-github-delivery")
    return payload.to_reading([_read_package(package, delivery_id)])


def _check_push(document: payload.Json, package: payload.Json) -> None:
    """Raise Ignored if the event is not the push of an image."""
    if payload.text(document, "action") not in ACTIONS:
        action = payload.quote(payload.get(document, "action"))
        raise Ignored(say("action %(action)s is neither published nor updated", action=action))
    container = payload.get(package, "package_version", "container_metadata")
    kind = payload.text(package, "package_type") or ""
    if kind.lower() not in TYPES and container is None:
        raise Ignored(say("a package of type %(kind)s is not an image", kind=payload.quote(kind)))
    if payload.get(container, "manifest", "config", "media_type") == CHART:
        raise Ignored(say("a Helm chart is not an image"))


def _read_package(package: payload.Json, delivery_id: str | None) -> Announcement | str:
    """Return the announcement, or the reason why there is none."""
    name = _repository_name(package)
    if not name:
        return say("a package names no repository")
    version = payload.get(package, "package_version")
    metadata = payload.get(version, "container_metadata", "tag")
    # GitHub also reports the manifest of each platform before the index, without a tag.
    tag = payload.tag(version, "version") if _is_legacy(package) else payload.tag(metadata, "name")
    digest = payload.digest(metadata, "digest") or payload.digest(version, "version")
    pushed_at = payload.timestamp(package, "updated_at")
    return payload.announce(name, tag, digest, delivery_id, pushed_at)


def _is_legacy(package: payload.Json) -> bool:
    """Return whether the package is of docker.pkg.github.com: OWNER/REPOSITORY/PACKAGE."""
    return payload.text(package, "registry", "type") == "docker"


def _repository_name(package: payload.Json) -> str:
    """Return the image's name in lower case, as registries write it; owners keep capitals."""
    name = payload.text(package, "name")
    if _is_legacy(package):
        prefix = payload.parse_reference(payload.text(package, "registry", "url") or "").name
    else:
        prefix = payload.text(package, "owner", "login") or ""
    if prefix and name:
        return f"{prefix}/{name}".lower()
    url = payload.text(package, "package_version", "package_url") or ""
    return payload.parse_reference(url).name.lower()
