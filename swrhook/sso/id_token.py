"""Verifies the ID token of a sign-in: its signature, and its claims by Authlib."""

import re
from collections.abc import Mapping
from datetime import datetime

from authlib.oidc.core import CodeIDToken
from joserfc.errors import ClaimError
from jwt import PyJWTError
from jwt.api_jws import PyJWS
from jwt.types import SigOptions

from swrhook.auth.oidc import ALGORITHMS, LEEWAY, read_key_id
from swrhook.auth.ports import KeyProvider
from swrhook.config.sso import Sso
from swrhook.errors import Unauthenticated, Undecodable
from swrhook.senders.payload import Json, decode, get, quote
from swrhook.wording.message import say

_OPTIONS: SigOptions = {"enforce_minimum_key_length": True}
_VISIBLE = re.compile(r"[\x21-\x7e]+")
_REASONS = {
    "iss": say("it is of another issuer than sso.issuer"),
    "aud": say("it is for another client than sso.client_id"),
    "azp": say("it is for another client than sso.client_id"),
    "exp": say("it has expired: compare the provider's clock with this machine's"),
    "iat": say("it is from the future: compare the provider's clock with this machine's"),
    "nbf": say("it is not valid yet: compare the provider's clock with this machine's"),
    "nonce": say("it belongs to another sign-in: sign in once more"),
    "at_hash": say("it does not belong to the access token"),
}


def read_id_token(
    tokens: Json, sso: Sso, keys: KeyProvider, nonce: str, now: datetime
) -> Mapping[str, Json]:
    """Return the claims of a genuine and current token of this sign-in.

    Raises Unauthenticated, or KeysUnavailable.
    """
    token, access_token = (find_token(tokens, name) for name in ("id_token", "access_token"))
    key = keys.signing_key(sso.issuer, read_key_id(token))
    if key is None:
        raise _refusal(say("it is signed with a key that the provider does not publish"))
    try:
        signed = PyJWS().decode_complete(token, key, ALGORITHMS, _OPTIONS)
        claims = decode(signed["payload"])
    except (PyJWTError, ValueError, Undecodable):
        raise _refusal(say("its signature is wrong")) from None
    if not isinstance(claims, dict):
        raise _refusal(say("it has no claims"))
    options = {
        "iss": {"essential": True, "value": sso.issuer},
        "aud": {"essential": True, "value": sso.client_id},
    }
    params = {"nonce": nonce, "client_id": sso.client_id, "access_token": access_token}
    try:
        CodeIDToken(claims, signed["header"], options, params).validate(now.timestamp(), LEEWAY)
    except ClaimError as exc:
        raise _refusal(
            _REASONS.get(exc.claim, say("its claim %(claim)s is wrong", claim=quote(exc.claim)))
        ) from None
    return claims


def find_token(tokens: Json, name: str) -> str:
    """Return a token that the provider has issued; empty if it is missing, or cannot be sent."""
    token = get(tokens, name)
    return token if isinstance(token, str) and _VISIBLE.fullmatch(token) else ""


def _refusal(reason: str) -> Unauthenticated:
    return Unauthenticated(say("the provider's ID token is refused: %(reason)s", reason=reason))
