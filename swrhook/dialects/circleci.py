"""CircleCI's outbound webhooks. None names an image: each is ignored with the advice to add a step.

Payload: https://circleci.com/docs/reference/outbound-webhooks-reference/, read September 2026.
"""

from swrhook.model import Reading
from swrhook.senders import ci_events
from swrhook.senders.delivery import Delivery


def parse(delivery: Delivery) -> Reading:
    """Raise Ignored with the reason, or Undecodable or UnknownShape."""
    return ci_events.ignore(delivery, "CircleCI", "type")
