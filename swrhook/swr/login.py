"""IAM's API for tokens: the request, and what its answers say. Pure.

Source: IAM API reference, «Obtaining a User Token Through Password Authentication» (2025-03-28).
"""

import json
import re
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus

from swrhook.config.values import PasswordCredentials
from swrhook.errors import Kind, SwrError, Undecodable
from swrhook.payload import decode, moment
from swrhook.swr.answers import Answer, failure, unreadable
from swrhook.swr.remedies import IAM_NAMES, LOGIN

PATH = "/v3/auth/tokens?nocatalog=true"
HEADERS = {"Content-Type": "application/json;charset=utf8"}

# An hour, where IAM does not say how long: the documentation promises 24.
_UNTOLD_LIFE = timedelta(hours=1)
_REMEDIES = {Kind.AUTHENTICATION: LOGIN, Kind.CONFIGURATION: IAM_NAMES}
_HEADER_VALUE = re.compile(r"[!-~]{1,65536}", re.ASCII)


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token as IAM issued it. Its life is a span, so that clocks need not agree."""

    value: str = field(repr=False)
    life: timedelta


class CredentialRefused(SwrError):
    """IAM does not accept the credential itself: trying it again may lock the account."""


def token_request(credentials: PasswordCredentials, project: str) -> bytes:
    """Return the body that asks for a token of one project, without the list of services."""
    user = {
        "name": credentials.user,
        "password": credentials.password,
        "domain": {"name": credentials.domain},
    }
    identity = {"methods": ["password"], "password": {"user": user}}
    return json.dumps(
        {"auth": {"identity": identity, "scope": {"project": {"name": project}}}}
    ).encode()


def read_token(answer: Answer) -> IssuedToken:
    """Return the token. Raises CredentialRefused for a wrong credential, SwrError for all else."""
    if not answer.ok:
        raise _login_failure(answer)
    value = answer.headers.get("x-subject-token", "")
    if not is_token(value):
        raise unreadable(answer, "it brings no token")
    return IssuedToken(value, _life(answer))


def is_token(value: str) -> bool:
    """Tell whether this can stand in a header (and shows it in no error when it cannot)."""
    return _HEADER_VALUE.fullmatch(value) is not None


def _life(answer: Answer) -> timedelta:
    """Return for how long the token lives, counted by IAM's own clock where it tells it."""
    try:
        found = decode(answer.body)
    except Undecodable:
        return _UNTOLD_LIFE
    expires_at = moment(found, "token", "expires_at")
    issued_at = moment(found, "token", "issued_at") or answer.received_at
    if expires_at is None or expires_at <= issued_at:
        return _UNTOLD_LIFE
    return expires_at - issued_at


def _login_failure(answer: Answer) -> SwrError:
    """Return what a refusal of IAM means for the credential.

    A name that IAM does not know will not appear by itself, so «not found» and «invalid» are
    mistakes in the configuration. Only an answer in IAM's own words refuses the credential for
    good: a proxy's 401 says nothing about it, and a disabled user (403) may be enabled again.
    """
    error = failure(answer)
    kind = error.kind
    if kind in (Kind.NOT_YET, Kind.PERMANENT):
        kind = Kind.CONFIGURATION
    final = kind is Kind.AUTHENTICATION and answer.status != HTTPStatus.FORBIDDEN
    form = CredentialRefused if final and _is_json(answer.body) else SwrError
    uncoded = error.code == f"HTTP.{answer.status}"
    remedy = _REMEDIES.get(kind, error.remedy) if uncoded else error.remedy
    return form(kind, error.code, error.message, remedy=remedy, retry_after=error.retry_after)


def _is_json(body: bytes) -> bool:
    try:
        return isinstance(decode(body), dict)
    except Undecodable:
        return False
