"""Notifications of Quay.io and Project Quay: the tags of a repository push, without digests.

Payload: https://docs.redhat.com/en/documentation/red_hat_quay/3/html/use_red_hat_quay/repository-notifications
and notifications/notificationevent.py of quay/quay, read August 2026. A notification has no id.
"""

from typing import Any

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Announcement, Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery


def parse(delivery: Delivery) -> Reading:
    """Read every tag that the push moved.

    Raises Undecodable, UnknownShape, or Ignored when the event is no push or only a test.
    """
    document = payload.decode(delivery.body)
    url = payload.reference(payload.text(document, "docker_url") or "")
    name = payload.text(document, "repository") or url.name
    if not name:
        raise UnknownShape("the body has neither `repository` nor `docker_url`")
    if payload.at(document, "updated_tags") is None:
        # Builds, mirroring and scans name tags too, under other keys.
        raise Ignored(f"{payload.shown(name)}: not a push, for it has no `updated_tags`")
    if payload.at(document, "pruned_image_count") is not None:
        raise Ignored(f"{payload.shown(name)}: Quay's test notification, its tags are made up")
    tags = document["updated_tags"]
    if not isinstance(tags, list):
        raise UnknownShape(f"`updated_tags` is {payload.kind_of(tags)}, not an array")
    return payload.reading(_read(name, tag) for tag in tags)


def _read(name: str, item: Any) -> Announcement | str:  # noqa: ANN401
    """Return what one tag announces, or why it announces nothing."""
    tag = payload.tag(item)
    if tag is None:
        return f"{payload.shown(name)}: {payload.shown(item)} is not a tag"
    return Announcement(name, tag)
