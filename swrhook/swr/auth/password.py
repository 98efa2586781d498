"""IAM's API for tokens and projects: the requests, and what its answers say. Pure.

Sources: IAM API reference, «Obtaining a User Token Through Password Authentication» (2025-03-28),
«Querying Project Information Based on the Specified Criteria».
"""

import json
import re
from datetime import timedelta
from http import HTTPStatus
from urllib.parse import quote

from swrhook.clock import Clock
from swrhook.config.model import PasswordCredentials
from swrhook.errors import Kind, SwrError, Undecodable
from swrhook.senders.payload import decode, text, timestamp
from swrhook.swr.auth.cache import CredentialCache, IssuedCredential
from swrhook.swr.auth.lockout import (
    AccountLocked,
    CredentialRefused,
    LockoutGuard,
    RefusedCredentials,
)
from swrhook.swr.error_codes import IAM_NAMES, LOGIN
from swrhook.swr.http import HttpTransport, Request
from swrhook.swr.response import SwrResponse, document, failure, unreadable

PATH = "/v3/auth/tokens?nocatalog=true"
HEADERS = {"Content-Type": "application/json;charset=utf8"}

# An hour, where IAM does not say how long: the documentation promises 24.
_UNTOLD_LIFE = timedelta(hours=1)
_REMEDIES = {Kind.AUTHENTICATION: LOGIN, Kind.CONFIGURATION: IAM_NAMES}
_LOCKED = "IAM.0061"
_HEADER_VALUE = re.compile(r"[!-~]{1,65536}", re.ASCII)


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


def read_token(answer: SwrResponse) -> IssuedCredential[str]:
    """Return the token. Raises CredentialRefused for a wrong credential, SwrError for all else."""
    if not answer.ok:
        raise _refusal(answer)
    value = answer.headers.get("x-subject-token", "")
    if not is_token(value):
        raise unreadable(answer, "it brings no token")
    return IssuedCredential(value, _life(answer))


def projects_path(name: str) -> str:
    """Return the path that finds a project by its name."""
    return f"/v3/projects?name={quote(name, safe='')}"


def read_project(answer: SwrResponse, name: str) -> str:
    """Return the id of the project of this name. Raises SwrError when there is none."""
    if not answer.ok:
        raise _refusal(answer)
    found = document(answer)
    listed = found.get("projects") if isinstance(found, dict) else None
    if not isinstance(listed, list):
        raise unreadable(answer, "it lists no projects")
    for project in listed:
        value = text(project, "id") if text(project, "name") == name else None
        if value is not None and is_token(value):
            return value
    raise SwrError(
        Kind.CONFIGURATION, "project", f"IAM knows no project named {name}", remedy=IAM_NAMES
    )


def is_token(value: str) -> bool:
    """Tell whether this can stand in a header (and shows it in no error when it cannot)."""
    return _HEADER_VALUE.fullmatch(value) is not None


def _life(answer: SwrResponse) -> timedelta:
    """Return for how long the token lives, counted by IAM's own clock where it tells it."""
    try:
        found = decode(answer.body)
    except Undecodable:
        return _UNTOLD_LIFE
    expires_at = timestamp(found, "token", "expires_at")
    issued_at = timestamp(found, "token", "issued_at") or answer.received_at
    if expires_at is None or expires_at <= issued_at:
        return _UNTOLD_LIFE
    return expires_at - issued_at


def _refusal(answer: SwrResponse) -> SwrError:
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
    form = _form(error.code) if final and _is_json(answer.body) else SwrError
    uncoded = error.code == f"HTTP.{answer.status}"
    remedy = _REMEDIES.get(kind, error.remedy) if uncoded else error.remedy
    return form(kind, error.code, error.message, remedy=remedy, retry_after=error.retry_after)


def _form(code: str) -> type[CredentialRefused]:
    return AccountLocked if code == _LOCKED else CredentialRefused


def _is_json(body: bytes) -> bool:
    try:
        return isinstance(decode(body), dict)
    except Undecodable:
        return False


class IamTokens:
    """Tokens of one IAM user; safe to use by many threads.

    One login at a time, whatever the project, and a wrong password is tried once: accounts lock
    after a few tries.
    """

    def __init__(
        self,
        credentials: PasswordCredentials,
        endpoint: str,
        wire: HttpTransport,
        refused: RefusedCredentials,
        clock: Clock,
    ) -> None:
        self._credentials = credentials
        self._endpoint = endpoint
        self._wire = wire
        self._guard = LockoutGuard(credentials, endpoint, refused, clock)
        self._renewals = CredentialCache(self._login, clock)

    def token(self, project: str) -> str:
        """Return a token for a project. Raises SwrError."""
        return self._renewals.get(project)

    def renew(self, project: str, refused: str) -> str | None:
        """Return another token than the one that SWR refused; None when none would help."""
        return self._renewals.renew(project, refused)

    def _login(self, project: str) -> IssuedCredential[str]:
        """Ask IAM for a token, unless it has refused the credential before. Raises SwrError."""
        self._guard.check()
        body = token_request(self._credentials, project)
        secrets = (self._credentials.password,)
        request = Request("POST", PATH, HEADERS, body, secrets)
        answer = self._wire.send(self._endpoint, request)
        try:
            return read_token(answer)
        except CredentialRefused as error:
            self._guard.refuse(error)
            raise
