"""Drone's global webhooks. None of them names an image: a step has to call back instead.

Payload: https://docs.drone.io/webhooks/, and core/webhook.go of harness/drone; read September 2026.
The kind of event is in a header, what happened in the body. There is no ping.
"""

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery


def parse(delivery: Delivery) -> Reading:
    """Say why nothing is announced. Raises Undecodable, UnknownShape, Ignored."""
    action = payload.text(payload.decode(delivery.body), "action")
    if action is None:
        raise UnknownShape("the body has no `action`, as Drone's have")
    event = payload.text(delivery.headers, "x-drone-event") or "event"
    raise Ignored(
        f"{payload.shown(f'{event} {action}')} names no image, as nothing of Drone's does: add a"
        " step that calls a sender with `dialect: generic` after the push"
    )
