"""AWS SNS: an envelope. The dialect of the message in it is detected.

Payload: https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html, read August
2026. A sender with the message's dialect (`ecr`) accepts the envelope too.
"""

from swrhook import dialects
from swrhook.model import Reading
from swrhook.senders import dialect_detection
from swrhook.senders.delivery import Delivery


def parse(delivery: Delivery) -> Reading:
    """Read the message of a notification.

    Raises Undecodable, UnknownShape, or Ignored, which SNS's subscription messages raise.
    """
    return dialect_detection.read(delivery, dialects.DIALECTS)
