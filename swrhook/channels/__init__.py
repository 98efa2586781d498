"""Deliver notifications to the channels of swrhook.yaml: by Apprise, or to a webhook."""

from swrhook.channels.apprise import ApprisePost
from swrhook.channels.ports import NotDelivered, Post
from swrhook.channels.webhook import WebhookPost
from swrhook.config.model import AppriseChannel, Channel

__all__ = ["NotDelivered", "Post", "make_post"]


def make_post(channel: Channel, certificates: str | None) -> Post:
    """Return what delivers to a channel. `certificates`: a file of trusted ones, None for usual."""
    if isinstance(channel, AppriseChannel):
        return ApprisePost(channel)
    return WebhookPost(channel, certificates)
