"""Verification of signed requests, as strict as the gateway's: by signing them again.

Sources of the messages of APIGW.0301: "Error Codes" of API request signing, and the common errors
in the user guide of API Gateway. The messages about security tokens are not documented.
"""

import re
import secrets
from datetime import UTC, datetime, timedelta

from flask import request

from swrhook.simulator import errors
from swrhook.simulator.accounts import IssuedKey
from swrhook.simulator.app import state
from swrhook.simulator.errors import Refusal
from swrhook.simulator.model import User
from swrhook.swr.auth import signing

SKEW = timedelta(minutes=15)

_AUTHORIZATION = re.compile(
    r"SDK-HMAC-SHA256 Access=(?P<access>[^,\s]+), ?SignedHeaders=(?P<names>[^,\s]+),"
    r" ?Signature=(?P<signature>[0-9a-f]{64})"
)


def is_signed() -> bool:
    """Tell whether the request has a signature, valid or not."""
    return request.headers.get("Authorization", "").startswith(signing.ALGORITHM)


def signer() -> User:
    """Return the user whose key signed the request. Raises Refusal if the signature is invalid."""
    match = _AUTHORIZATION.fullmatch(request.headers["Authorization"])
    if match is None:
        raise incorrect("authorization header is invalid")
    accounts, access = state().accounts, match["access"]
    issued = accounts.key(access)
    if issued is None:
        raise incorrect(f"Get secretKey failed,ak:{access},err:ak not exist")
    if accounts.key_lockout.is_locked(access):
        raise incorrect("AK access failed to reach the limit,forbidden")
    names = match["names"].split(";")
    date = _date(names)
    headers = {name: request.headers.get(name, "") for name in names}
    target = request.environ["RAW_URI"]
    canonical = signing.canonical_request(request.method, target, headers, request.get_data())
    expected = signing.compute_signature(issued.key.secret, date, canonical)
    if not secrets.compare_digest(expected, match["signature"]):
        accounts.key_lockout.count_failure(access)
        raise incorrect(f"verify aksk signature fail,canonicalRequest:{canonical}")
    accounts.key_lockout.count_success(access)
    _check_security_token(issued)
    return issued.user


def _date(names: list[str]) -> str:
    """Return the time of the signature, which must be signed and close to the clock's."""
    value = request.headers.get(signing.DATE_HEADER, "")
    try:
        signed_at = datetime.strptime(value, signing.DATE_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        raise incorrect("x-sdk-date not found or invalid") from None
    if signing.DATE_HEADER.lower() not in names:
        raise incorrect("x-sdk-date is not signed")
    now = state().clock.now()
    if abs(now - signed_at) > SKEW:
        server = now.strftime(signing.DATE_FORMAT)
        raise incorrect(f"signature expired, signature time:{value},server time:{server}")
    return value


def _check_security_token(issued: IssuedKey) -> None:
    if request.headers.get(signing.SECURITY_TOKEN_HEADER, "") != (issued.key.security_token or ""):
        raise incorrect("verify security token fail")
    if issued.expires_at <= state().clock.now():
        raise incorrect("the security token has expired")


def incorrect(reason: str) -> Refusal:
    """Return the gateway's refusal of a token or signature."""
    return errors.gateway("0301", f"Incorrect IAM authentication information: {reason}")
