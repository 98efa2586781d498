"""Triggers of Tencent Container Registry (TCR), which speaks as Harbor 1.x did.

Payload: https://www.tencentcloud.com/document/product/1051/37254, read August 2026, which names the
actions and the fields but hardly shows them; none was captured.
"""

from datetime import datetime
from typing import Any

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Announcement, Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery

PUSHES = frozenset({"pushImage", "PUSH_ARTIFACT"})


def parse(delivery: Delivery) -> Reading:
    """Read the tags of every image pushed.

    Raises Undecodable, UnknownShape, or Ignored when the action is no push of an image.
    """
    document = payload.decode(delivery.body)
    kind = payload.text(document, "type")
    if kind is None:
        raise UnknownShape("the body has no `type`")
    if kind not in PUSHES:
        raise Ignored(f"action {payload.shown(kind)} is not pushImage")
    resources = payload.at(document, "event_data", "resources")
    if not isinstance(resources, list):
        raise UnknownShape(f"a push whose `resources` is {payload.kind_of(resources)}")
    name, at = _name(document), payload.moment(document, "occur_at")
    return payload.reading(_read(resource, name, at) for resource in resources)


def _name(document: Any) -> str | None:  # noqa: ANN401
    """Return the repository's whole name, if the event has it."""
    repository = payload.at(document, "event_data", "repository")
    namespace, name = payload.text(repository, "namespace"), payload.text(repository, "name")
    joined = f"{namespace}/{name}" if namespace and name else None
    return payload.text(repository, "repo_full_name") or joined


def _read(resource: Any, name: str | None, at: datetime | None) -> Announcement | str:  # noqa: ANN401
    """Return what one resource announces, or why it announces nothing."""
    url = payload.reference(payload.text(resource, "resource_url") or "")
    image = name or url.name
    if not image:
        return "a resource names no repository"
    tag = payload.tag(resource, "tag")
    if tag is None:
        return f"{payload.shown(image)}: a push without a tag"
    return Announcement(image, tag, digest=payload.digest(resource, "digest"), pushed_at=at)
