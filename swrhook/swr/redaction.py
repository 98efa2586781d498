"""Takes secrets out of what strangers wrote.

The gateway's «verify aksk signature fail,canonicalRequest:…» echoes a whole request with its
headers, and proxies put what they received into their error pages.
"""

import html
import json
import re
from collections.abc import Iterable
from urllib.parse import quote

HIDDEN = "[hidden]"

# A header or member that carries a secret, with what follows it up to a separator.
_NAMED = re.compile(
    r"""((?:x-(?:auth|subject|security|metadata)-token|security_?token|authorization|password
    |secret|signature|access)
    ["']?\s*[:=]\s*["']?)(?:(?:bearer|basic|sdk-hmac-sha256)\s+)?[^\s"',;<>&]+""",
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)
# A token's base64, also when it was cut off. Names and digests have no capital letter.
_LONG = re.compile(r"[A-Za-z0-9+/=_-]{48,}", re.ASCII)


def scrub(text: str, secrets: Iterable[str] = ()) -> str:
    """Return `text` without these secrets, however encoded, and without what looks like one."""
    for secret in secrets:
        for written in _spellings(secret):
            text = text.replace(written, HIDDEN)
    text = _NAMED.sub(rf"\1{HIDDEN}", text)
    return _LONG.sub(_hide_token, text)


def _spellings(secret: str) -> list[str]:
    """Return how a secret may be written; the longest first, for one may hold another."""
    written = {
        secret,
        quote(secret, safe=""),
        html.escape(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
    }
    return sorted(written - {""}, key=len, reverse=True)


def _hide_token(match: re.Match[str]) -> str:
    return match[0] if match[0] == match[0].lower() else HIDDEN
