"""AWS SNS: an envelope; what is inside is read by the dialect that it is in.

Payload: https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html, read August
2026. A sender that names the dialect inside (`ecr`) may stand behind SNS as well.
"""

from swrhook import dialects
from swrhook.model import Reading
from swrhook.senders import dialect_detection
from swrhook.senders.delivery import Delivery


def parse(delivery: Delivery) -> Reading:
    """Read the message of a notification.

    Raises Undecodable, UnknownShape, or Ignored, also for what SNS says about a subscription.
    """
    return dialect_detection.read(delivery, dialects.DIALECTS)
