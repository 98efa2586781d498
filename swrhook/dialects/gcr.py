"""Google Artifact Registry and gcr.io, through a Pub/Sub push subscription to the topic `gcr`.

Payload: https://cloud.google.com/artifact-registry/docs/configure-notifications and
https://cloud.google.com/pubsub/docs/push (with and without payload unwrapping), read August 2026.
"""

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Announcement, Reading
from swrhook.senders import envelopes, payload
from swrhook.senders.delivery import Delivery
from swrhook.wording.message import say


def parse(delivery: Delivery) -> Reading:
    """Read the tag that was pushed. Pub/Sub's message id becomes the event id.

    Raises Undecodable, UnknownShape, or Ignored if no tag was pushed.
    """
    return envelopes.read(delivery, _parse_message)


def _parse_message(delivery: Delivery) -> Reading:
    document = payload.decode(delivery.body)
    action = payload.text(document, "action")
    tag, digest = payload.text(document, "tag"), payload.text(document, "digest")
    if action is None or (tag is None and digest is None):
        raise UnknownShape(say("the message has no `action`, or neither `tag` nor `digest`"))
    if action != "INSERT":
        raise Ignored(say("action %(action)s is not INSERT", action=payload.quote(action)))
    if tag is None:
        raise Ignored(say("%(digest)s: an upload without a tag", digest=payload.quote(digest)))
    image = payload.parse_reference(tag)  # host/name:tag, as `digest` is host/name@digest
    if not image.name or not image.tag or ":" in image.tag:
        raise UnknownShape(say("`tag` %(tag)s is not host/name:tag", tag=payload.quote(tag)))
    image_digest = payload.digest(payload.parse_reference(digest or "").digest)
    return payload.to_reading([Announcement(image.name, image.tag, image_digest)])
