"""The schemes by which a request carries a token that an identity provider has signed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import jwt

from swrhook.auth.ports import KeyProvider
from swrhook.auth.shared_secret import Authenticate, header_credentials
from swrhook.errors import Unauthenticated
from swrhook.senders.delivery import Delivery

if TYPE_CHECKING:
    from jwt.types import Options

# Each verifies with a public key: `none` and HS256 would accept what anybody can make.
ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
)  # fmt: skip
GOOGLE = "https://accounts.google.com"
LEEWAY = 60.0  # seconds that the provider's clock and ours may differ

_OPTIONS: "Options" = {
    "require": ["aud", "exp", "iss"],
    "enforce_minimum_key_length": True,
    # PyJWT would read the clock: `_is_current` takes the time as an argument.
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
}


def oidc(
    issuer: str, audience: str, claims: Mapping[str, Sequence[str]], *, keys: KeyProvider
) -> Authenticate:
    """Accept a bearer token of the issuer for the audience, each of `claims` an allowed text."""

    def authenticate(delivery: Delivery, now: datetime) -> None:
        said = _verified(delivery, (issuer,), audience, keys)
        _check_time(said, now)
        for name, allowed in claims.items():
            if said.get(name) not in allowed:
                raise Unauthenticated(f"the token's claim {name} is missing or not an allowed one")

    return authenticate


def google_oidc(audience: str, email: str, *, keys: KeyProvider) -> Authenticate:
    """Accept a bearer token of Google for the audience and a service account."""

    def authenticate(delivery: Delivery, now: datetime) -> None:
        # Google's tokens name it with its scheme, and without.
        said = _verified(delivery, (GOOGLE, "accounts.google.com"), audience, keys)
        _check_time(said, now)
        is_verified = said.get("email_verified")
        if said.get("email") != email or not (is_verified is True or is_verified == "true"):
            raise Unauthenticated("the token is of another account, or of one that is not verified")

    return authenticate


def _verified(
    delivery: Delivery, issuers: Sequence[str], audience: str, outside: KeyProvider
) -> Mapping[str, Any]:
    """Return what a genuine token says; the first issuer is the one that has the keys."""
    token = header_credentials(delivery.header("authorization"), "bearer")
    key = outside.signing_key(issuers[0], _key_id(token))
    if key is None:
        raise Unauthenticated("the token is signed with a key that its issuer does not have")
    try:
        return jwt.decode(
            token, key, ALGORITHMS, _OPTIONS, audience=audience, issuer=tuple(issuers)
        )
    except (jwt.PyJWTError, ValueError):
        # Not PyJWT's words, here and below: they may quote the token.
        message = "the token is not genuine, or of another issuer or for another audience"
        raise Unauthenticated(message) from None


def _key_id(token: str) -> str:
    """Return the name of the key, nothing proven yet; no key is asked for without good reason."""
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError):
        raise Unauthenticated("the bearer token is missing, or no signed token") from None
    key_id = header.get("kid")
    if not key_id or header.get("alg") not in ALGORITHMS:
        raise Unauthenticated("the token names no key, or an algorithm that is not accepted")
    return str(key_id)


def _check_time(said: Mapping[str, Any], now: datetime) -> None:
    seconds = now.timestamp()
    # Each says when it is right, so that NaN never is.
    is_current = _is_number(said["exp"]) and seconds - LEEWAY < said["exp"]
    for name in ("iat", "nbf"):
        starts = said.get(name, seconds)
        is_current = is_current and _is_number(starts) and starts <= seconds + LEEWAY
    if not is_current:
        raise Unauthenticated("the token has expired or is not valid yet")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
