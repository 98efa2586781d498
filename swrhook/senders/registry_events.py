"""Read events of the docker registry (CNCF Distribution), for distribution, gitlab and acr."""

from collections.abc import Mapping

from swrhook.errors import UnknownShape
from swrhook.model import Announcement
from swrhook.senders import payload
from swrhook.wording.message import say


def read_event(event: payload.Json) -> Announcement | str:
    """Return the announcement, or the reason why there is none."""
    if not isinstance(event, Mapping) or not event.keys() & {"action", "target"}:
        return say("an event has neither action nor target")
    action = event.get("action")
    if action != "push":
        return say("action %(action)s is not push", action=payload.quote(action))
    try:
        return read_push(event)
    except UnknownShape as exc:
        return exc.text


def read_push(event: payload.Json) -> Announcement | str:
    """Return the announcement of a push, or a reason. Raises UnknownShape without a repository."""
    name = payload.text(event, "target", "repository")
    if name is None:
        raise UnknownShape(say("a push names no repository"))
    # The registry also reports blobs, and the manifest of each platform before the index.
    tag, digest = payload.tag(event, "target", "tag"), payload.digest(event, "target", "digest")
    event_id, pushed_at = payload.text(event, "id"), payload.timestamp(event, "timestamp")
    return payload.announce(name, tag, digest, event_id, pushed_at)
