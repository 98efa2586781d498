"""SDK-HMAC-SHA256, the signature with which an access key proves a request. Pure.

The client makes signatures with it, and the simulator makes them again to compare. Path and query
are taken as they are on the wire, so that what is signed is what is sent.

Source: API Request Signing Guide, «AK/SK Signing and Authentication Algorithm».
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import parse_qsl, quote, unquote, urlsplit

ALGORITHM = "SDK-HMAC-SHA256"
DATE = "X-Sdk-Date"
STAMP = "%Y%m%dT%H%M%SZ"
PROJECT = "X-Project-Id"
SECURITY_TOKEN = "X-Security-Token"  # noqa: S105  # the header's name


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A key with its secret; a temporary one is worth something only with its security token."""

    access: str
    secret: str = field(repr=False)
    security_token: str | None = field(default=None, repr=False)


def sign(
    key: AccessKey, method: str, url: str, headers: Mapping[str, str], body: bytes, now: datetime
) -> dict[str, str]:
    """Return the headers that a request needs to be proven: these, and all that signing adds."""
    parts = urlsplit(url)
    signed = {**headers, "Host": parts.netloc.rpartition("@")[2], DATE: now.strftime(STAMP)}
    if key.security_token:
        signed[SECURITY_TOKEN] = key.security_token
    target = url.partition("://")[2].removeprefix(parts.netloc)
    canonical = canonical_request(method, target, signed, body)
    names = ";".join(sorted(name.lower() for name in signed))
    proof = signature(key.secret, signed[DATE], canonical)
    signed["Authorization"] = (
        f"{ALGORITHM} Access={key.access}, SignedHeaders={names}, Signature={proof}"
    )
    return signed


def canonical_request(method: str, target: str, headers: Mapping[str, str], body: bytes) -> str:
    """Return what is signed of a request: all of these headers, and `target` from the path on."""
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


def signature(secret: str, date: str, canonical: str) -> str:
    """Return the signature of a canonical request; `date` is its X-Sdk-Date."""
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"{ALGORITHM}\n{date}\n{digest}"
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def _canonical_path(path: str) -> str:
    """Return the path, each segment quoted anew: `$` and `%24` are the same, and `/` ends it."""
    quoted = "/".join(quote(segment, safe="~") for segment in unquote(path).split("/"))
    return quoted if quoted.endswith("/") else f"{quoted}/"


def _canonical_query(query: str) -> str:
    """Return the query in order, each part quoted anew."""
    pairs = sorted(parse_qsl(query, keep_blank_values=True))
    return "&".join(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in pairs)
