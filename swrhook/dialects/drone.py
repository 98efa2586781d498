"""Drone's global webhooks. None names an image, so each is ignored with the advice to add a step.

Payload: https://docs.drone.io/webhooks/, and core/webhook.go of harness/drone; read September 2026.
A header has the kind of event, and the body has the action. There is no ping.
"""

from swrhook.model import Reading
from swrhook.senders import ci_events, payload
from swrhook.senders.delivery import Delivery


def parse(delivery: Delivery) -> Reading:
    """Raise Ignored with the reason, or Undecodable or UnknownShape."""
    kind = payload.text(delivery.headers, "x-drone-event") or "event"
    return ci_events.ignore(delivery, "Drone", "action", kind)
