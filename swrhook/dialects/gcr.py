"""Google Artifact Registry and gcr.io, by a Pub/Sub push subscription to the topic `gcr`.

Payload: https://cloud.google.com/artifact-registry/docs/configure-notifications and
https://cloud.google.com/pubsub/docs/push (with and without payload unwrapping), read August 2026.
"""

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Announcement, Reading
from swrhook.senders import envelopes, payload
from swrhook.senders.delivery import Delivery


def parse(delivery: Delivery) -> Reading:
    """Read the tag that was set; Pub/Sub's message id is the event's id.

    Raises Undecodable, UnknownShape, or Ignored when no tag was set.
    """
    return envelopes.read(delivery, _parse)


def _parse(delivery: Delivery) -> Reading:
    document = payload.decode(delivery.body)
    action = payload.text(document, "action")
    tagged, digested = payload.text(document, "tag"), payload.text(document, "digest")
    if action is None or (tagged is None and digested is None):
        raise UnknownShape("the message has no `action`, or neither `tag` nor `digest`")
    if action != "INSERT":
        raise Ignored(f"action {payload.shown(action)} is not INSERT")
    if tagged is None:
        raise Ignored(f"{payload.shown(digested)}: an upload without a tag")
    image = payload.reference(tagged)
    if not image.name or not image.tag or ":" in image.tag:
        raise UnknownShape(f"`tag` {payload.shown(tagged)} is not host/name:tag")
    digest = payload.reference(digested or "").digest
    announced = Announcement(image.name, image.tag, payload.digest({"digest": digest}, "digest"))
    return payload.reading([announced])
