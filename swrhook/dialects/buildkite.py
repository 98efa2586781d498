"""Buildkite's webhooks. None of them names an image's tag: a step has to call back instead.

Payload: https://buildkite.com/docs/apis/webhooks, of Pipelines and of Package Registries; read
September 2026.
"""

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery


def parse(delivery: Delivery) -> Reading:
    """Say why nothing is announced. Raises Undecodable, UnknownShape, Ignored."""
    event = payload.text(payload.decode(delivery.body), "event")
    if event is None:
        raise UnknownShape("the body has no `event`, as Buildkite's have")
    if event == "ping":
        raise Ignored("a ping: the webhook works, but no event of Buildkite names an image's tag")
    raise Ignored(
        f"event {payload.shown(event)} names no image's tag, as none of Buildkite's does: add a"
        " step that calls a sender with `dialect: generic` after its push"
    )
