"""Buildkite's webhooks. None names an image tag, so each is ignored with the advice to add a step.

Payload: https://buildkite.com/docs/apis/webhooks (Pipelines and Package Registries), read September
2026.
"""

from swrhook.model import Reading
from swrhook.senders import ci_events
from swrhook.senders.delivery import Delivery


def parse(delivery: Delivery) -> Reading:
    """Raise Ignored with the reason, or Undecodable or UnknownShape."""
    return ci_events.ignore(delivery, "Buildkite", "event")
