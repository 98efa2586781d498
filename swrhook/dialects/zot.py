"""Zot's events, CloudEvents over HTTP: binary (the type in a header), and structured.

Payload: https://zotregistry.dev (events) and pkg/extensions/events of project-zot/zot, read August
2026. An image that was refused (lint_failed) has the same data as one that was pushed.
"""

from typing import Any

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Announcement, Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery

PUSH = "zotregistry.image.updated"


def parse(delivery: Delivery) -> Reading:
    """Read the tag that was set.

    Raises Undecodable, UnknownShape, or Ignored when the event is no push of a tag.
    """
    document = payload.decode(delivery.body)
    binary = payload.text(delivery.headers, "ce-type") is not None
    prefix, attributes = ("ce-", delivery.headers) if binary else ("", document)
    data = document if binary else payload.at(document, "data")
    kind = payload.text(attributes, f"{prefix}type")
    if kind is None or not kind.startswith("zotregistry."):
        raise UnknownShape(f"CloudEvents type {payload.shown(kind)} is not one of Zot's")
    if kind != PUSH:
        raise Ignored(f"type {payload.shown(kind)} is not {PUSH}")
    event_id = payload.text(attributes, f"{prefix}id")
    name, reference = _image(data)
    if ":" in reference:
        # The manifests of single platforms, ahead of their index.
        raise Ignored(f"{payload.shown(name)}: a push without a tag")
    pushed_at = payload.moment(attributes, f"{prefix}time")
    announced = Announcement(name, reference, payload.digest(data, "digest"), event_id, pushed_at)
    return payload.reading([announced], event_id)


def _image(data: Any) -> tuple[str, str]:  # noqa: ANN401
    """Return the repository and what was pushed to it: a tag or a digest."""
    name, reference = payload.text(data, "name"), payload.text(data, "reference")
    if name is None or reference is None:
        raise UnknownShape("a push without `name` or `reference`")
    return name, reference
