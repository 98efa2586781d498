"""Read events of the docker registry (CNCF Distribution), for distribution, gitlab and acr."""

from collections.abc import Mapping

from swrhook.errors import UnknownShape
from swrhook.model import Announcement
from swrhook.senders import payload


def read_event(event: payload.Json) -> Announcement | str:
    """Return the announcement, or the reason why there is none."""
    if not isinstance(event, Mapping) or not event.keys() & {"action", "target"}:
        return "an event has neither action nor target"
    action = event.get("action")
    if action != "push":
        return f"action {payload.quote(action)} is not push"
    try:
        return read_push(event)
    except UnknownShape as exc:
        return str(exc)


def read_push(event: payload.Json) -> Announcement | str:
    """Return the announcement of a push, or a reason. Raises UnknownShape without a repository."""
    name = payload.text(event, "target", "repository")
    if name is None:
        raise UnknownShape("a push names no repository")
    tag = payload.tag(event, "target", "tag")
    if tag is None:
        # The registry also reports blobs, and the manifest of each platform before the index.
        return f"{payload.quote(name)}: a push without a tag"
    return Announcement(
        name,
        tag,
        digest=payload.digest(event, "target", "digest"),
        event_id=payload.text(event, "id"),
        pushed_at=payload.timestamp(event, "timestamp"),
    )
