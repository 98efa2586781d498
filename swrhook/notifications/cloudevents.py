"""A notification as a CloudEvent, signed by Standard Webhooks.

Formats: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md and
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md;
docs/notification.schema.json is the schema of the body.
"""

import json
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from hmac import digest
from typing import Any

from swrhook.notifications.links import path_of
from swrhook.notifications.model import Notification, Part
from swrhook.notifications.text import headline, title_of

CONTENT_TYPE = "application/cloudevents+json"
# `source` where notify.url does not say where the dashboard is.
DEFAULT_SOURCE = "urn:swrhook"


def to_body(notification: Notification, url: str | None) -> bytes:
    """Return the body: the same bytes in each attempt, as long as the dashboard's `url` is."""
    topics = {part.topic for part in notification.parts}
    parts = [_to_data(part, url) for part in notification.parts]
    topic = next(iter(topics)).value if len(topics) == 1 else "digest"
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": notification.id,
        "source": url or DEFAULT_SOURCE,
        "type": f"swrhook.{topic}",
        "time": _to_rfc3339(notification.created_at),
        "datacontenttype": "application/json",
        "data": {
            "title": title_of(notification),
            "parts": parts,
            "parts_left_out": notification.parts_left_out,
        },
    }
    image = notification.parts[0].facts.get("image") if len(parts) == 1 else None
    if image is not None:
        event["subject"] = image
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def sign(notification_id: str, body: bytes, key: bytes, now: datetime) -> Mapping[str, str]:
    """Return the headers that sign id, time and body with a key."""
    seconds = str(int(now.timestamp()))
    content = b".".join((notification_id.encode(), seconds.encode(), body))
    signature = b64encode(digest(key, content, "sha256")).decode()
    return {
        "webhook-id": notification_id,
        "webhook-timestamp": seconds,
        "webhook-signature": f"v1,{signature}",
    }


def _to_data(part: Part, url: str | None) -> dict[str, Any]:
    return {
        "topic": part.topic.value,
        "summary": headline(part),
        "facts": part.public_facts,
        "count": part.count,
        "items": part.public_items,
        "first_at": _to_rfc3339(part.first_at),
        "last_at": _to_rfc3339(part.last_at),
        "link": None if url is None else f"{url}{path_of(part)}",
    }


def _to_rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
