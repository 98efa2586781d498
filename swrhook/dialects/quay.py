"""Notifications of Quay.io and Project Quay: the tags of a push, without digests.

Payload: https://docs.redhat.com/en/documentation/red_hat_quay/3/html/use_red_hat_quay/repository-notifications
and notifications/notificationevent.py of quay/quay, read August 2026. A notification has no id.
"""

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Announcement, Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery
from swrhook.wording.message import say


def parse(delivery: Delivery) -> Reading:
    """Read every tag that was pushed.

    Raises Undecodable, UnknownShape, or Ignored if the event is a test or not a push.
    """
    document = payload.decode(delivery.body)
    url = payload.parse_reference(payload.text(document, "docker_url") or "")
    name = payload.text(document, "repository") or url.name
    if not name:
        raise UnknownShape(say("the body has neither `repository` nor `docker_url`"))
    if payload.get(document, "updated_tags") is None:
        # Events of builds, mirroring and scans have tags too, under other keys.
        raise Ignored(
            say("%(name)s: not a push, because it has no `updated_tags`", name=payload.quote(name))
        )
    if payload.get(document, "pruned_image_count") is not None:
        # Only test notifications have this key; they look like pushes otherwise.
        raise Ignored(
            say("%(name)s: Quay's test notification, with example tags", name=payload.quote(name))
        )
    tags = document["updated_tags"]
    if not isinstance(tags, list):
        raise UnknownShape(
            say("`updated_tags` is %(tags)s, not an array", tags=payload.type_name(tags))
        )
    return payload.to_reading(
        Announcement(name, tag)
        if payload.tag(tag)
        else say("%(name)s: %(tag)s is not a tag", name=payload.quote(name), tag=payload.quote(tag))
        for tag in tags
    )
