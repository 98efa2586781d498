"""GitLab's webhooks, which name no image, and the notifications of the registry that it bundles.

Payload: https://docs.gitlab.com/user/project/integrations/webhook_events/ and, for the registry,
https://distribution.github.io/distribution/about/notifications/, read August 2026. The registry's
own dialect is distribution; it is read here too, for nobody expects two dialects of one GitLab.
"""

from typing import Any

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Announcement, Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery

REMEDY = (
    "let the job that pushes report it with curl, or the webhook with a custom template, to a"
    " sender of dialect generic; what is pushed to GitLab's registry comes from its notifications"
)


def parse(delivery: Delivery) -> Reading:
    """Read the tagged pushes among the registry's events.

    Raises Undecodable, UnknownShape, or Ignored: always for an event of a project or a group.
    """
    document = payload.decode(delivery.body)
    kind = payload.text(document, "object_kind") or payload.text(document, "event_name")
    if kind is not None:
        raise Ignored(f"event {payload.shown(kind)} names no image: {REMEDY}")
    events = payload.items(document, "events")
    if not events:
        message = (
            "none of GitLab's own events: if it comes from a custom template, give the sender"
            " the dialect generic and replay the delivery"
        )
        raise UnknownShape(message)
    read = [_read(event) for event in events]
    ids = (part.event_id for part in read if isinstance(part, Announcement))
    return payload.reading(read, external_id=next(ids, None))


def _read(event: Any) -> Announcement | str:  # noqa: ANN401
    """Return what one event of the registry announces, or why it announces nothing."""
    action = payload.at(event, "action")
    if action != "push":
        return f"action {payload.shown(action)} is not push"
    name, tag = payload.text(event, "target", "repository"), payload.tag(event, "target", "tag")
    if name is None or tag is None:
        return "a push without a repository or a tag"
    return Announcement(
        name,
        tag,
        digest=payload.digest(event, "target", "digest"),
        event_id=payload.text(event, "id"),
        pushed_at=payload.moment(event, "timestamp"),
    )
