"""Webhooks of Azure Container Registry: one event of a docker registry, without its envelope.

Payload: https://learn.microsoft.com/azure/container-registry/container-registry-webhook-reference,
read August 2026. Charts pushed as OCI artifacts come as `push` and cannot be told from images.
"""

from collections.abc import Mapping
from typing import Any

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Announcement, Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery

OTHER_ACTIONS: Mapping[str, str] = {
    "ping": "is how Azure tries the webhook",
    "chart_push": "is about a Helm chart, no image",
    "quarantine": "is about an image that cannot be pulled yet: a push follows when it can",
}


def parse(delivery: Delivery) -> Reading:
    """Read the tag that was pushed.

    Raises Undecodable, UnknownShape, or Ignored when no tag was pushed.
    """
    document = payload.decode(delivery.body)
    action = payload.text(document, "action")
    if action is None:
        raise UnknownShape("the body has no `action`")
    if action != "push":
        reason = OTHER_ACTIONS.get(action, "is not push")
        raise Ignored(f"action {payload.shown(action)} {reason}")
    event_id = payload.text(document, "id")
    return payload.reading([_read(document, event_id)], event_id)


def _read(document: Any, event_id: str | None) -> Announcement | str:  # noqa: ANN401
    """Return what the push announces, or why it announces nothing."""
    name = payload.text(document, "target", "repository")
    if name is None:
        raise UnknownShape("a push names no repository")
    tag = payload.tag(document, "target", "tag")
    if tag is None:
        return f"{payload.shown(name)}: a push without a tag"
    return Announcement(
        name,
        tag,
        digest=payload.digest(document, "target", "digest"),
        event_id=event_id,
        pushed_at=payload.moment(document, "timestamp"),
    )
