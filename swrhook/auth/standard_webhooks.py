"""The Standard Webhooks scheme (standardwebhooks.com), which signs id, time and body together."""

import re
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import datetime, timedelta
from hmac import digest

from swrhook.auth.ports import Authenticate
from swrhook.auth.secrets import Secret, require_match, valid_values, wire_encodings
from swrhook.errors import Unauthenticated
from swrhook.senders.delivery import Delivery

TOLERANCE = timedelta(minutes=5)

_KEY_PREFIX = b"whsec_"
_SECONDS = re.compile(r"[0-9]{1,12}")


def standard_webhooks(secrets: Sequence[Secret], tolerance: timedelta = TOLERANCE) -> Authenticate:
    """Accept a signature in `webhook-signature` whose time is within the tolerance of now."""

    def authenticate(delivery: Delivery, now: datetime) -> None:
        _check(delivery, valid_values(secrets, now), now, tolerance)

    return authenticate


def gitlab(secrets: Sequence[Secret]) -> Authenticate:
    """Accept a secret in `X-Gitlab-Token`, or a signature with a secret that begins with `whsec_`.

    GitLab may send both. A signature that can be verified then decides alone.
    """

    def authenticate(delivery: Delivery, now: datetime) -> None:
        values = valid_values(secrets, now)
        keys = [secret for secret in values if secret.startswith(_KEY_PREFIX)]
        if keys and delivery.header("webhook-signature"):
            _check(delivery, keys, now, TOLERANCE)
            return
        tokens = [secret for secret in values if not secret.startswith(_KEY_PREFIX)]
        require_match([delivery.header("x-gitlab-token")], tokens, "the header X-Gitlab-Token")

    return authenticate


def signing_key(secret: bytes) -> bytes:
    """Return the key in a secret, base64 after an optional `whsec_`; empty if it is not base64."""
    text = secret.removeprefix(_KEY_PREFIX)
    try:
        return b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except ValueError:
        return b""


def _check(
    delivery: Delivery, secrets: Sequence[bytes], now: datetime, tolerance: timedelta
) -> None:
    """Check the three headers. Raises Unauthenticated."""
    external_id, sent_at = delivery.header("webhook-id"), delivery.header("webhook-timestamp")
    if not external_id or _SECONDS.fullmatch(sent_at) is None:
        raise Unauthenticated("webhook-id or webhook-timestamp is missing or malformed")
    if abs(now.timestamp() - int(sent_at)) > tolerance.total_seconds():
        raise Unauthenticated("webhook-timestamp is too far from this machine's time")
    content = b".".join((wire_encodings(external_id)[0], sent_at.encode(), delivery.body))
    keys = [key for key in map(signing_key, secrets) if key]
    expected = [b"v1," + b64encode(digest(key, content, "sha256")) for key in keys]
    # During a rotation, a sender signs with each of its keys; the header lists all signatures.
    signatures = delivery.header("webhook-signature").split(" ")
    require_match(signatures, expected, "the signature in webhook-signature")
