"""Removes secrets from text that other parties wrote.

Services and proxies echo what they received: the gateway's "verify aksk signature
fail,canonicalRequest:..." holds a whole request with its headers, and proxies quote requests in
their error pages.
"""

import html
import json
import re
from collections.abc import Iterable
from urllib.parse import quote

HIDDEN = "[hidden]"

# A header or member that carries a secret, with its value up to a separator.
_NAMED_SECRET = re.compile(
    r"""((?:x-(?:auth|subject|security|metadata)-token|security_?token|authorization|password
    |secret|signature|access)
    ["']?\s*[:=]\s*["']?)(?:(?:bearer|basic|sdk-hmac-sha256)\s+)?[^\s"',;<>&]+""",
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)
# The base64 of a token, even of a truncated one.
_LONG_WORD = re.compile(r"[A-Za-z0-9+/=_-]{48,}", re.ASCII)


def scrub(text: str, secrets: Iterable[str] = ()) -> str:
    """Return the text without the secrets, in any encoding, and without anything like a secret."""
    for secret in secrets:
        for encoded in _encodings(secret):
            text = text.replace(encoded, HIDDEN)
    text = _NAMED_SECRET.sub(rf"\1{HIDDEN}", text)
    return _LONG_WORD.sub(_hide_token, text)


def _encodings(secret: str) -> list[str]:
    """Return a secret as it is, and encoded for URLs, HTML and JSON."""
    encodings = {
        secret,
        quote(secret, safe=""),
        html.escape(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
    }
    # Longest first: replacing a short form first would leave the rest of a longer one behind.
    return sorted(encodings - {""}, key=len, reverse=True)


def _hide_token(match: re.Match[str]) -> str:
    # Repository names and digests may be as long as a token, but have no capital letters.
    return match[0] if match[0] == match[0].lower() else HIDDEN
