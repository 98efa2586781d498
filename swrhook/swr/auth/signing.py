"""Signs requests with an access key by SDK-HMAC-SHA256. Pure functions.

The client signs requests with it, and the simulator verifies them. Path and query are signed as
they are sent, since a URL can be quoted in several ways.

Source: API Request Signing Guide, "AK/SK Signing and Authentication Algorithm".
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qsl, quote, unquote, urlsplit

ALGORITHM = "SDK-HMAC-SHA256"
DATE_HEADER = "X-Sdk-Date"
DATE_FORMAT = "%Y%m%dT%H%M%SZ"
PROJECT_HEADER = "X-Project-Id"
SECURITY_TOKEN_HEADER = "X-Security-Token"  # noqa: S105  # the header's name


@dataclass(frozen=True, slots=True)
class AccessKey:
    """An access key with its secret; a temporary key is valid only with its security token."""

    access: str
    secret: str = field(repr=False)
    security_token: str | None = field(default=None, repr=False)


def sign(
    key: AccessKey, method: str, url: str, headers: Mapping[str, str], body: bytes, now: datetime
) -> dict[str, str]:
    """Return the headers of the signed request: the given ones and those that signing adds."""
    parts = urlsplit(url)
    signed = {
        **headers,
        "Host": parts.netloc.rpartition("@")[2],
        DATE_HEADER: now.strftime(DATE_FORMAT),
    }
    if key.security_token:
        signed[SECURITY_TOKEN_HEADER] = key.security_token
    target = url.partition("://")[2].removeprefix(parts.netloc)
    canonical = canonical_request(method, target, signed, body)
    names = ";".join(sorted(name.lower() for name in signed))
    signature = compute_signature(key.secret, signed[DATE_HEADER], canonical)
    signed["Authorization"] = (
        f"{ALGORITHM} Access={key.access}, SignedHeaders={names}, Signature={signature}"
    )
    return signed


def canonical_request(method: str, target: str, headers: Mapping[str, str], body: bytes) -> str:
    """Return the text that is signed; `target` is path and query, and all headers are signed."""
    path, _, query = target.partition("?")
    lines = {name.lower(): value.strip() for name, value in headers.items()}
    return "\n".join(
        (
            method.upper(),
            _canonical_path(path),
            _canonical_query(query),
            *(f"{name}:{lines[name]}" for name in sorted(lines)),
            "",
            ";".join(sorted(lines)),
            hashlib.sha256(body).hexdigest(),
        )
    )


def compute_signature(secret: str, date: str, canonical: str) -> str:
    """Return the signature of a canonical request; `date` is its X-Sdk-Date."""
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"{ALGORITHM}\n{date}\n{digest}"
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def _canonical_path(path: str) -> str:
    """Return the path with its segments unquoted and quoted again, and a `/` at the end."""
    # The algorithm signs `$` and `%24` alike, whichever of them is sent.
    quoted = "/".join(quote(segment, safe="~") for segment in unquote(path).split("/"))
    return quoted if quoted.endswith("/") else f"{quoted}/"


def _canonical_query(query: str) -> str:
    """Return the query's parameters in order, unquoted and quoted again."""
    pairs = sorted(parse_qsl(query, keep_blank_values=True))
    return "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in pairs)
