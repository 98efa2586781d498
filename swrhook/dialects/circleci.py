"""CircleCI's outbound webhooks. None names an image: each is ignored with the advice to add a step.

Payload: https://circleci.com/docs/reference/outbound-webhooks-reference/, read September 2026.
"""

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery


def parse(delivery: Delivery) -> Reading:
    """Raise Ignored with the reason, or Undecodable or UnknownShape."""
    kind = payload.text(payload.decode(delivery.body), "type")
    if kind is None:
        raise UnknownShape("the body has no `type`, which CircleCI always sends")
    if kind == "ping":
        raise Ignored("a ping: the webhook works, but no CircleCI event names an image")
    raise Ignored(
        f"type {payload.quote(kind)}: no CircleCI event names an image. Add a step that calls a"
        " sender with `dialect: generic` after the push"
    )
