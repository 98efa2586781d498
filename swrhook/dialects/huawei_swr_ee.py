"""Triggers of Huawei Cloud SWR Enterprise Edition.

Triggers for PUSH_ARTIFACT are documented
(https://support.huaweicloud.com/intl/en-us/api-swr/swr_03_0901.html, read August 2026), but their
payload is not. Events, selectors and targets are the same as Harbor's, so Harbor's default format
is assumed. Anything else is quarantined.
"""

from datetime import datetime

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Announcement, Reading
from swrhook.senders import harbor_format, payload
from swrhook.senders.delivery import Delivery
from swrhook.wording.message import say

PUSHES = frozenset({"PUSH_ARTIFACT", "pushImage"})


def parse(delivery: Delivery) -> Reading:
    """Read the tags of all artifacts that were pushed.

    Raises Undecodable, UnknownShape, or Ignored if the event is not the push of a tag.
    """
    document = payload.decode(delivery.body)
    kind = payload.text(document, "type") or payload.text(document, "event_type")
    if kind is None:
        raise UnknownShape(say("the body has no `type`"))
    if kind not in PUSHES:
        raise Ignored(say("event type %(kind)s is not a push", kind=payload.quote(kind)))
    data = payload.get(document, "event_data")
    resources = payload.items(data, "resources")
    if not resources:
        raise UnknownShape(say("a push without `event_data.resources`"))
    name, pushed_at = harbor_format.repository_name(data), payload.timestamp(document, "occur_at")
    results = [_read_resource(resource, name, pushed_at) for resource in resources]
    if None in results and not any(isinstance(result, Announcement) for result in results):
        raise UnknownShape(say("a push whose resources name no image"))
    return payload.to_reading(result or say("a resource names no image") for result in results)


def _read_resource(
    resource: payload.Json, repository: str | None, at: datetime | None
) -> Announcement | str | None:
    """Return the announcement, the reason why there is none, or None if no image is named."""
    url = payload.parse_reference(payload.text(resource, "resource_url") or "")
    name = repository or (url.host and url.name)
    tag, digest = payload.text(resource, "tag") or url.tag, payload.digest(resource, "digest")
    if not name or not (tag or url.digest or digest):
        return None
    return payload.announce(name, tag, digest, pushed_at=at)
