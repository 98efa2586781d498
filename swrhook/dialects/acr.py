"""Webhooks of Azure Container Registry: a single docker registry event without an envelope.

Payload: https://learn.microsoft.com/azure/container-registry/container-registry-webhook-reference,
read August 2026. Helm charts pushed as OCI artifacts look exactly like images.
"""

from collections.abc import Mapping

from swrhook.errors import Ignored
from swrhook.model import Reading
from swrhook.senders import payload, registry_events
from swrhook.senders.delivery import Delivery
from swrhook.wording.message import Message, say

IGNORED_ACTIONS: Mapping[str, Message] = {
    "ping": say("action %(action)s is Azure's test of the webhook"),
    "chart_push": say("action %(action)s is about a Helm chart, not an image"),
    "quarantine": say(
        "action %(action)s is about an image that cannot be pulled yet: a push follows when it can"
    ),
}


def parse(delivery: Delivery) -> Reading:
    """Read the tag that was pushed.

    Raises Undecodable, UnknownShape, or Ignored if no tag was pushed.
    """
    document = payload.decode(delivery.body)
    action = payload.require(document, "action")
    if action != "push":
        reason = IGNORED_ACTIONS.get(action, say("action %(action)s is not push"))
        raise Ignored(reason.using(action=payload.quote(action)))
    return payload.to_reading([registry_events.read_push(document)])
