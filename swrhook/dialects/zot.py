"""Zot's events: CloudEvents over HTTP, binary (attributes in headers) or structured.

Payload: https://zotregistry.dev (events) and pkg/extensions/events of project-zot/zot, read August
2026. The event of a refused image (lint_failed) has the same data as that of a pushed one.
"""

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery
from swrhook.wording.message import say

PUSH = "zotregistry.image.updated"


def parse(delivery: Delivery) -> Reading:
    """Read the tag that was pushed.

    Raises Undecodable, UnknownShape, or Ignored if the event is not the push of a tag.
    """
    document = payload.decode(delivery.body)
    binary = payload.text(delivery.headers, "ce-type") is not None
    prefix, attributes = ("ce-", delivery.headers) if binary else ("", document)
    data = document if binary else payload.get(document, "data")
    kind = payload.text(attributes, f"{prefix}type")
    if kind is None or not kind.startswith("zotregistry."):
        raise UnknownShape(
            say("CloudEvents type %(kind)s is not one of Zot's", kind=payload.quote(kind))
        )
    if kind != PUSH:
        raise Ignored(say("type %(kind)s is not %(push)s", kind=payload.quote(kind), push=PUSH))
    # Zot also reports the manifest of each platform before the index: a digest as reference.
    name, reference = payload.text(data, "name"), payload.text(data, "reference")
    if name is None or reference is None:
        raise UnknownShape(say("a push without `name` or `reference`"))
    digest, event_id = payload.digest(data, "digest"), payload.text(attributes, f"{prefix}id")
    pushed_at = payload.timestamp(attributes, f"{prefix}time")
    return payload.to_reading([payload.announce(name, reference, digest, event_id, pushed_at)])
