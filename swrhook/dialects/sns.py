"""AWS SNS: an envelope. The dialect of the message in it is detected.

Payload: https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html, read August
2026. A sender with the message's dialect (`ecr`) accepts the envelope too.
"""

from swrhook.senders.dialect_detection import read as parse

__all__ = ["parse"]
