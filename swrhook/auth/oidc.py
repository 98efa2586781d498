"""Schemes in which a request carries a token (JWT) that an identity provider has signed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import jwt
from jwt.types import Options

from swrhook.auth.ports import Authenticate, KeyProvider
from swrhook.auth.shared_secret import header_credentials
from swrhook.errors import Unauthenticated
from swrhook.senders.delivery import Delivery

# Only algorithms with a public key: with `none` or HS256, anyone could make an accepted token.
ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
)  # fmt: skip
GOOGLE = "https://accounts.google.com"
LEEWAY = 60.0  # seconds by which the provider's clock and ours may differ

_OPTIONS: Options = {
    "require": ["aud", "exp", "iss"],
    "enforce_minimum_key_length": True,
    # PyJWT would read the clock: `_check_time` takes the time as an argument.
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
}


def oidc(
    issuer: str, audience: str, claims: Mapping[str, Sequence[str]], *, keys: KeyProvider
) -> Authenticate:
    """Accept a bearer token of the issuer for the audience, with an allowed value in each claim."""

    def authenticate(delivery: Delivery, now: datetime) -> None:
        payload = _verify(delivery, now, (issuer,), audience, keys)
        for name, allowed in claims.items():
            if payload.get(name) not in allowed:
                raise Unauthenticated(f"the token's claim {name} is missing or not an allowed one")

    return authenticate


def google_oidc(audience: str, email: str, *, keys: KeyProvider) -> Authenticate:
    """Accept a bearer token of Google for the audience, of the service account with this email."""

    def authenticate(delivery: Delivery, now: datetime) -> None:
        # Google's tokens name the issuer with its scheme or without it.
        payload = _verify(delivery, now, (GOOGLE, "accounts.google.com"), audience, keys)
        is_verified = payload.get("email_verified")
        if payload.get("email") != email or not (is_verified is True or is_verified == "true"):
            raise Unauthenticated("the token is of another account, or of one that is not verified")

    return authenticate


def _verify(
    delivery: Delivery, now: datetime, issuers: Sequence[str], audience: str, keys: KeyProvider
) -> Mapping[str, Any]:
    """Return the claims of a genuine and current token.

    The first issuer is the one whose keys are used.
    """
    token = header_credentials(delivery.header("authorization"), "bearer")
    key = keys.signing_key(issuers[0], read_key_id(token))
    if key is None:
        raise Unauthenticated("the token is signed with a key that its issuer does not have")
    try:
        payload = jwt.decode(token, key, ALGORITHMS, _OPTIONS, audience=audience, issuer=issuers)
    except (jwt.PyJWTError, ValueError):
        # Here and below, PyJWT's own message is dropped: it may quote the token.
        message = "the token is not genuine, or of another issuer or for another audience"
        raise Unauthenticated(message) from None
    _check_time(payload, now)
    return payload


def read_key_id(token: str) -> str:
    """Return the key id in the header of a token that is not verified yet.

    Tokens that cannot be genuine are refused here, before a key is fetched for them.
    """
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError):
        raise Unauthenticated("the bearer token is missing, or not a signed token") from None
    key_id = header.get("kid")
    if not key_id or header.get("alg") not in ALGORITHMS:
        raise Unauthenticated("the token names no key, or its algorithm is not accepted")
    return str(key_id)


def _check_time(payload: Mapping[str, Any], now: datetime) -> None:
    """Check exp, iat and nbf. Raises Unauthenticated."""
    seconds = now.timestamp()
    # Each comparison states when a claim is valid: with NaN it is False, and the token refused.
    is_current = _is_number(payload["exp"]) and seconds - LEEWAY < payload["exp"]
    for name in ("iat", "nbf"):
        starts = payload.get(name, seconds)
        is_current = is_current and _is_number(starts) and starts <= seconds + LEEWAY
    if not is_current:
        raise Unauthenticated("the token has expired or is not valid yet")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
