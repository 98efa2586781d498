"""Drone's global webhooks. None names an image, so each is ignored with the advice to add a step.

Payload: https://docs.drone.io/webhooks/, and core/webhook.go of harness/drone; read September 2026.
A header has the kind of event, and the body has the action. There is no ping.
"""

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery


def parse(delivery: Delivery) -> Reading:
    """Raise Ignored with the reason, or Undecodable or UnknownShape."""
    action = payload.text(payload.decode(delivery.body), "action")
    if action is None:
        raise UnknownShape("the body has no `action`, which Drone always sends")
    event = payload.text(delivery.headers, "x-drone-event") or "event"
    raise Ignored(
        f"{payload.quote(f'{event} {action}')}: no Drone event names an image. Add a step that"
        " calls a sender with `dialect: generic` after the push"
    )
