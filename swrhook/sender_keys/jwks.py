"""Parses the discovery documents and key sets (JWKS) of OpenID Connect. Total for any bytes."""

from collections.abc import Iterator, Mapping
from typing import Any

from jwt import PyJWK, PyJWTError

from swrhook.auth.oidc import ALGORITHMS
from swrhook.errors import FetchFailed, Undecodable
from swrhook.senders.payload import decode, get, items, text
from swrhook.wording.message import say


def read_jwks_url(document: bytes, issuer: str) -> str:
    """Return the URL of an issuer's keys from its discovery document. Raises FetchFailed."""
    content = _decode(document, issuer)
    url = text(content, "jwks_uri")
    # The document must name the issuer that it was fetched from (OpenID Connect Discovery 1.0,
    # section 4.3): otherwise it belongs to another issuer.
    if get(content, "issuer") != issuer or url is None:
        raise FetchFailed(
            say(
                "%(issuer)s: the discovery document names another issuer, or no keys", issuer=issuer
            )
        )
    return url


def read_signing_keys(document: bytes, issuer: str) -> Mapping[str, PyJWK]:
    """Return an issuer's usable keys by their ids. Raises FetchFailed when there are none."""
    keys = dict(_usable_keys(_decode(document, issuer)))
    if not keys:
        raise FetchFailed(say("%(issuer)s: its key set contains no usable key", issuer=issuer))
    return keys


def _usable_keys(document: object) -> Iterator[tuple[str, PyJWK]]:
    """Yield id and key of each key for signatures with an accepted algorithm."""
    for item in items(document, "keys"):
        key_id = text(item, "kid")
        if key_id is None or get(item, "use") not in (None, "sig"):
            continue
        # A key of a future type must not make the others unusable.
        try:
            key = PyJWK(item)
        except (PyJWTError, ValueError, TypeError, KeyError):
            continue
        if key.algorithm_name in ALGORITHMS:
            yield key_id, key


def _decode(document: bytes, issuer: str) -> Any:  # noqa: ANN401  # JSON has no better type
    try:
        return decode(document)
    except Undecodable as exc:
        raise FetchFailed(say("%(issuer)s: the answer is not JSON", issuer=issuer)) from exc
