"""Buildkite's webhooks. None names an image tag, so each is ignored with the advice to add a step.

Payload: https://buildkite.com/docs/apis/webhooks (Pipelines and Package Registries), read September
2026.
"""

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery


def parse(delivery: Delivery) -> Reading:
    """Raise Ignored with the reason, or Undecodable or UnknownShape."""
    event = payload.text(payload.decode(delivery.body), "event")
    if event is None:
        raise UnknownShape("the body has no `event`, which Buildkite always sends")
    if event == "ping":
        raise Ignored("a ping: the webhook works, but no Buildkite event names an image tag")
    raise Ignored(
        f"event {payload.quote(event)}: no Buildkite event names an image tag. Add a step that"
        " calls a sender with `dialect: generic` after the push"
    )
