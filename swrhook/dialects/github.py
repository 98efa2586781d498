"""GitHub's webhooks about container packages: ghcr.io, and docker.pkg.github.com before it.

Payload: https://docs.github.com/en/webhooks/webhook-events-and-payloads#package, read August 2026.
Repositories and organizations send `package`, Apps the same as `registry_package`; the body is JSON
or a form. Trust no `ecosystem` nor `namespace`: GitHub's own examples contradict themselves.
"""

from collections.abc import Mapping
from typing import Any

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Announcement, Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery

PACKAGES = ("package", "registry_package")
ACTIONS = frozenset({"published", "updated"})
TYPES = frozenset({"container", "docker"})
CHART = "application/vnd.cncf.helm.config.v1+json"

REPORT = "names no image: let the workflow's last step report it to a sender of dialect generic"
OTHER_EVENTS: Mapping[str, str] = {
    "ping": "is how GitHub says that the webhook is set up",
    "workflow_job": REPORT,
    "workflow_run": REPORT,
}
SUBSCRIBE = "announces no image: subscribe the webhook to «Packages» alone"


def parse(delivery: Delivery) -> Reading:
    """Read the tag of the package version published.

    Raises Undecodable, UnknownShape, or Ignored when no tag of an image was published.
    """
    document = payload.decode_form(delivery.body)
    event = delivery.header("x-github-event")
    if event and event not in PACKAGES:
        raise Ignored(f"event {payload.shown(event)} {OTHER_EVENTS.get(event, SUBSCRIBE)}")
    packages = (payload.at(document, key) for key in PACKAGES)
    package = next((found for found in packages if isinstance(found, Mapping)), None)
    if package is None:
        raise UnknownShape("the body has neither `package` nor `registry_package`")
    if fault := _unfit(document, package):
        raise Ignored(fault)
    delivery_id = payload.text(delivery.headers, "x-github-delivery")
    return payload.reading([_read(package, delivery_id)], delivery_id)


def _unfit(document: Any, package: Any) -> str | None:  # noqa: ANN401
    """Return why the event is not about an image in use, None when it is."""
    if payload.text(document, "action") not in ACTIONS:
        action = payload.shown(payload.at(document, "action"))
        return f"action {action} is neither published nor updated"
    container = payload.at(package, "package_version", "container_metadata")
    kind = payload.text(package, "package_type") or ""
    if kind.lower() not in TYPES and container is None:
        return f"a package of type {payload.shown(kind)} is no image"
    if payload.at(container, "manifest", "config", "media_type") == CHART:
        return "a Helm chart is no image"
    return None


def _read(package: Any, delivery_id: str | None) -> Announcement | str:  # noqa: ANN401
    """Return what the package announces, or why it announces nothing."""
    name = _name(package)
    if not name:
        return "a package names no repository"
    version = payload.at(package, "package_version")
    path = ("version",) if _is_old(package) else ("container_metadata", "tag", "name")
    tag = payload.tag(version, *path)
    if tag is None:
        # The manifests of single platforms ahead of their index.
        return f"{payload.shown(name)}: a push without a tag"
    return Announcement(
        name,
        tag,
        digest=payload.digest(version, "container_metadata", "tag", "digest")
        or payload.digest(version, "version"),
        event_id=delivery_id,
        pushed_at=payload.moment(package, "updated_at"),
    )


def _is_old(package: Any) -> bool:  # noqa: ANN401
    """Tell whether this is a package of docker.pkg.github.com: OWNER/REPOSITORY/PACKAGE."""
    return payload.text(package, "registry", "type") == "docker"


def _name(package: Any) -> str:  # noqa: ANN401
    """Return the name as registries write it, in lower case; owners keep their capitals."""
    name = payload.text(package, "name")
    if _is_old(package):
        above = payload.reference(payload.text(package, "registry", "url") or "").name
    else:
        above = payload.text(package, "owner", "login") or ""
    if above and name:
        return f"{above}/{name}".lower()
    url = payload.text(package, "package_version", "package_url") or ""
    return payload.reference(url).name.lower()
