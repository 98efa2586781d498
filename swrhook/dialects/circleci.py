"""CircleCI's outbound webhooks. None of them names an image: a step has to call back instead.

Payload: https://circleci.com/docs/reference/outbound-webhooks-reference/, read September 2026.
"""

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery


def parse(delivery: Delivery) -> Reading:
    """Say why nothing is announced. Raises Undecodable, UnknownShape, Ignored."""
    kind = payload.text(payload.decode(delivery.body), "type")
    if kind is None:
        raise UnknownShape("the body has no `type`, as CircleCI's have")
    if kind == "ping":
        raise Ignored("a ping: the webhook works, but no event of CircleCI names an image")
    raise Ignored(
        f"type {payload.shown(kind)} names no image, as none of CircleCI's does: add a step that"
        " calls a sender with `dialect: generic` after the push"
    )
