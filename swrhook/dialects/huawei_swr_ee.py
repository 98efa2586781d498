"""Huawei Cloud SWR Enterprise Edition: its triggers.

That there are triggers for PUSH_ARTIFACT is documented
(https://support.huaweicloud.com/intl/en-us/api-swr/swr_03_0901.html, read August 2026); what they
send is not. Events, selectors and targets are Harbor's, so its default format is taken for the
body's; whatever else comes is quarantined.
"""

from datetime import datetime
from typing import Any

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Announcement, Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery

PUSHES = frozenset({"PUSH_ARTIFACT", "pushImage"})


def parse(delivery: Delivery) -> Reading:
    """Read the tags of every artifact pushed.

    Raises Undecodable, UnknownShape, or Ignored when the event is no push of a tag.
    """
    document = payload.decode(delivery.body)
    kind = payload.text(document, "type") or payload.text(document, "event_type")
    if kind is None:
        raise UnknownShape("the body has no `type`")
    if kind not in PUSHES:
        raise Ignored(f"event type {payload.shown(kind)} is not a push")
    data = payload.at(document, "event_data")
    resources = payload.items(data, "resources")
    if not resources:
        raise UnknownShape("a push without `event_data.resources`")
    name, moment = _repository(data), payload.moment(document, "occur_at")
    read = [_read(resource, name, moment) for resource in resources]
    if None in read and not any(isinstance(part, Announcement) for part in read):
        raise UnknownShape("a push whose resources name no image")
    return payload.reading(part or "a resource names no image" for part in read)


def _read(resource: Any, repository: str | None, at: datetime | None) -> Announcement | str | None:  # noqa: ANN401
    """Return what one resource announces, why it announces nothing, or None when it names none."""
    url = payload.reference(payload.text(resource, "resource_url") or "")
    name = repository or (url.host and url.name)
    tag = payload.text(resource, "tag") or url.tag
    if not name or not (tag or url.digest or payload.digest(resource, "digest")):
        return None
    if not tag or ":" in tag:
        return f"{payload.shown(name)}: a push without a tag"
    return Announcement(name, tag, payload.digest(resource, "digest"), pushed_at=at)


def _repository(data: Any) -> str | None:  # noqa: ANN401
    """Return the name in the event's repository object."""
    full = payload.text(data, "repository", "repo_full_name")
    namespace = payload.text(data, "repository", "namespace")
    name = payload.text(data, "repository", "name")
    return full or (f"{namespace}/{name}" if namespace and name else None)
