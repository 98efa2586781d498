"""What identity providers publish, read: pure, and total for any bytes."""

from collections.abc import Iterator, Mapping
from typing import Any

from jwt import PyJWK, PyJWTError

from swrhook.auth.oidc import ALGORITHMS
from swrhook.errors import NotFetched, Undecodable
from swrhook.senders.payload import decode, get, items, text


def keys_address(document: bytes, issuer: str) -> str:
    """Return where an issuer's keys are, by its own discovery document. Raises NotFetched."""
    found = _decoded(document, issuer)
    address = text(found, "jwks_uri")
    # A document that names another issuer is somebody else's (OpenID Connect Discovery, 4.3).
    if get(found, "issuer") != issuer or address is None:
        raise NotFetched(f"{issuer}: the discovery document names another issuer, or no keys")
    return address


def signing_keys(document: bytes, issuer: str) -> Mapping[str, PyJWK]:
    """Return an issuer's keys by their ids. Raises NotFetched when it has none for us."""
    keys = dict(_usable(_decoded(document, issuer)))
    if not keys:
        raise NotFetched(f"{issuer}: its keys hold none that can be used")
    return keys


def _usable(document: object) -> Iterator[tuple[str, PyJWK]]:
    """Yield the keys that sign. One of a kind to come must not spoil the others."""
    for item in items(document, "keys"):
        key_id = text(item, "kid")
        if key_id is None or get(item, "use") not in (None, "sig"):
            continue
        try:
            key = PyJWK(item)
        except (PyJWTError, ValueError, TypeError, KeyError):
            continue
        if key.algorithm_name in ALGORITHMS:
            yield key_id, key


def _decoded(document: bytes, issuer: str) -> Any:  # noqa: ANN401  # JSON has no better type
    try:
        return decode(document)
    except Undecodable as exc:
        raise NotFetched(f"{issuer}: the answer is not JSON") from exc
