"""Huawei Cloud SMN: an envelope. The dialect of the message in it is detected.

Payload: https://docs.otc.t-systems.com/simple-message-notification/umn/ (appendix, HTTP or HTTPS
messages), read August 2026. A sender with the message's dialect (`huawei-cts`) accepts the envelope
too.
"""

from swrhook.senders.dialect_detection import read as parse

__all__ = ["parse"]
