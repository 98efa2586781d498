"""Triggers of Tencent Container Registry (TCR), in the format of Harbor 1.x.

Payload: https://www.tencentcloud.com/document/product/1051/37254, read August 2026. It names the
actions and fields but has few examples; this code was not tested with a real request.
"""

from datetime import datetime

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Announcement, Reading
from swrhook.senders import harbor_format, payload
from swrhook.senders.delivery import Delivery
from swrhook.wording.message import say

PUSHES = frozenset({"pushImage", "PUSH_ARTIFACT"})


def parse(delivery: Delivery) -> Reading:
    """Read the tags of all images that were pushed.

    Raises Undecodable, UnknownShape, or Ignored if the action is not the push of an image.
    """
    document = payload.decode(delivery.body)
    kind = payload.require(document, "type")
    if kind not in PUSHES:
        raise Ignored(say("action %(action)s is not pushImage", action=payload.quote(kind)))
    data = payload.get(document, "event_data")
    resources = payload.get(data, "resources")
    if not isinstance(resources, list):
        raise UnknownShape(
            say("a push whose `resources` is %(resources)s", resources=payload.type_name(resources))
        )
    name, at = harbor_format.repository_name(data), payload.timestamp(document, "occur_at")
    return payload.to_reading(_read_resource(resource, name, at) for resource in resources)


def _read_resource(
    resource: payload.Json, name: str | None, at: datetime | None
) -> Announcement | str:
    """Return the announcement, or the reason why there is none."""
    image = name or payload.parse_reference(payload.text(resource, "resource_url") or "").name
    if not image:
        return say("a resource names no repository")
    tag, digest = payload.tag(resource, "tag"), payload.digest(resource, "digest")
    return payload.announce(image, tag, digest, pushed_at=at)
