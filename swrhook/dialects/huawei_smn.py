"""Huawei Cloud SMN: an envelope. The dialect of the message in it is detected.

Payload: https://docs.otc.t-systems.com/simple-message-notification/umn/ (appendix, HTTP or HTTPS
messages), read August 2026. A sender with the message's dialect (`huawei-cts`) accepts the envelope
too.
"""

from collections.abc import Mapping

from swrhook.model import Reading
from swrhook.senders import dialect_detection
from swrhook.senders.delivery import Delivery
from swrhook.senders.dialect_detection import Parse


def parse(delivery: Delivery, dialects: Mapping[str, Parse]) -> Reading:
    """Read the message of a notification, in whichever of the dialects it is.

    Raises Undecodable, UnknownShape, or Ignored, which SMN's subscription messages raise.
    """
    return dialect_detection.read(delivery, dialects)
