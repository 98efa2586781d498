"""Notifications of CNCF Distribution, alias registry:2 and registry:3; GitLab bundles it.

Payload: https://distribution.github.io/distribution/about/notifications/, read August 2026.
The media type is events.v1+json from registry:2, events.v2+json from registry:3, any from proxies.
"""

from collections.abc import Mapping
from typing import Any

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Announcement, Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery


def parse(delivery: Delivery) -> Reading:
    """Read the tagged pushes among the events.

    Raises Undecodable, UnknownShape, or Ignored when no event is a tagged push.
    """
    read = [_read(event) for event in _events(payload.decode(delivery.body))]
    ids = (part.event_id for part in read if isinstance(part, Announcement))
    return payload.reading(read, external_id=next(ids, None))


def _events(document: Any) -> list[Any]:  # noqa: ANN401
    """Return the events of an envelope."""
    if not isinstance(document, Mapping):
        raise UnknownShape(f"the body is {payload.kind_of(document)}, not an envelope of events")
    if document and "events" not in document:
        raise UnknownShape("the body has no `events`")
    events = document.get("events")
    if events is None or events == []:
        # The registry leaves `events` out when it is empty.
        raise Ignored("the envelope is empty")
    if not isinstance(events, list):
        raise UnknownShape(f"`events` is {payload.kind_of(events)}, not an array")
    return events


def _read(event: Any) -> Announcement | str:  # noqa: ANN401
    """Return what one event announces, or why it announces nothing."""
    if not isinstance(event, Mapping) or not event.keys() & {"action", "target"}:
        return "an event has neither action nor target"
    action = event.get("action")
    if action != "push":
        return f"action {payload.shown(action)} is not push"
    name = payload.text(event, "target", "repository")
    if name is None:
        return "a push names no repository"
    tag = payload.tag(event, "target", "tag")
    if tag is None:
        # Blobs, and the manifests of single platforms ahead of their index.
        return f"{payload.shown(name)}: a push without a tag"
    return Announcement(
        name,
        tag,
        digest=payload.digest(event, "target", "digest"),
        event_id=payload.text(event, "id"),
        pushed_at=payload.moment(event, "timestamp"),
    )
