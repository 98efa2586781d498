"""A token source that logs in at IAM with user and password, and the parsing of IAM's responses.

Sources: IAM API reference, "Obtaining a User Token Through Password Authentication" (2025-03-28),
"Querying Project Information Based on the Specified Criteria".
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
    RefusalStore,
)
from swrhook.swr.error_codes import IAM_NAMES, LOGIN
from swrhook.swr.http import HttpTransport, Request
from swrhook.swr.response import SwrResponse, decode_json, malformed_response, read_error

TOKENS_PATH = "/v3/auth/tokens?nocatalog=true"
HEADERS = {"Content-Type": "application/json;charset=utf8"}

# Where IAM does not report an expiry. The documentation promises 24 hours.
_DEFAULT_LIFETIME = timedelta(hours=1)
_REMEDIES = {Kind.AUTHENTICATION: LOGIN, Kind.CONFIGURATION: IAM_NAMES}
_LOCKED_CODE = "IAM.0061"
_HEADER_VALUE = re.compile(r"[!-~]{1,65536}", re.ASCII)


class IamTokenSource:
    """Supplies tokens of one IAM user, each for one project; safe to share between threads.

    It logs in once at a time, for any project, and never again with a wrong password: IAM locks
    an account after a few attempts.
    """

    def __init__(
        self,
        credentials: PasswordCredentials,
        endpoint: str,
        transport: HttpTransport,
        refusals: RefusalStore,
        clock: Clock,
    ) -> None:
        self._credentials = credentials
        self._endpoint = endpoint
        self._transport = transport
        self._guard = LockoutGuard(credentials, endpoint, refusals, clock)
        self._cache = CredentialCache(self._log_in, clock)

    def token(self, project: str) -> str:
        """Return a token for a project. Raises SwrError."""
        return self._cache.get(project)

    def renew(self, project: str, refused: str) -> str | None:
        """Return another token than the one that SWR refused, or None when none would help."""
        return self._cache.renew(project, refused)

    def _log_in(self, project: str) -> IssuedCredential[str]:
        """Get a token from IAM, unless IAM refused the credential before. Raises SwrError."""
        self._guard.check()
        body = token_request(self._credentials, project)
        secrets = (self._credentials.password,)
        request = Request("POST", TOKENS_PATH, HEADERS, body, secrets)
        response = self._transport.send(self._endpoint, request)
        try:
            return read_token(response)
        except CredentialRefused as error:
            self._guard.record(error)
            raise


def token_request(credentials: PasswordCredentials, project: str) -> bytes:
    """Return the body of a login for one project."""
    user = {
        "name": credentials.user,
        "password": credentials.password,
        "domain": {"name": credentials.domain},
    }
    identity = {"methods": ["password"], "password": {"user": user}}
    return json.dumps(
        {"auth": {"identity": identity, "scope": {"project": {"name": project}}}}
    ).encode()


def read_token(response: SwrResponse) -> IssuedCredential[str]:
    """Return the token. Raises CredentialRefused for a wrong credential, else SwrError."""
    if not response.ok:
        raise _iam_error(response)
    value = response.headers.get("x-subject-token", "")
    if not is_header_value(value):
        raise malformed_response(response, "it contains no token")
    return IssuedCredential(value, _lifetime(response))


def projects_path(name: str) -> str:
    """Return the path that looks up a project by its name."""
    return f"/v3/projects?name={quote(name, safe='')}"


def read_project(response: SwrResponse, name: str) -> str:
    """Return the id of the project with this name. Raises SwrError when there is none."""
    if not response.ok:
        raise _iam_error(response)
    content = decode_json(response)
    projects = content.get("projects") if isinstance(content, dict) else None
    if not isinstance(projects, list):
        raise malformed_response(response, "it contains no list of projects")
    for project in projects:
        value = text(project, "id") if text(project, "name") == name else None
        if value is not None and is_header_value(value):
            return value
    raise SwrError(
        Kind.CONFIGURATION, "project", f"IAM knows no project named {name}", remedy=IAM_NAMES
    )


def is_header_value(value: str) -> bool:
    """Tell whether a value can be sent in a header.

    Checked ahead, because the HTTP library's own error would quote a value that it refuses.
    """
    return _HEADER_VALUE.fullmatch(value) is not None


def _lifetime(response: SwrResponse) -> timedelta:
    """Return the token's lifetime, by IAM's own clock if it reports the time of issue."""
    try:
        content = decode(response.body)
    except Undecodable:
        return _DEFAULT_LIFETIME
    expires_at = timestamp(content, "token", "expires_at")
    issued_at = timestamp(content, "token", "issued_at") or response.received_at
    if expires_at is None or expires_at <= issued_at:
        return _DEFAULT_LIFETIME
    return expires_at - issued_at


def _iam_error(response: SwrResponse) -> SwrError:
    """Return the error of an IAM response: its kind, and whether it refuses the credential.

    "Not found" and "invalid" are mistakes in the configuration, since a name that IAM does not
    know will not appear by itself. The credential counts as refused for good only if IAM itself
    says so: a proxy's 401 says nothing about it, and a disabled user (403) may be enabled again.
    """
    error = read_error(response)
    kind = error.kind
    if kind in (Kind.NOT_YET, Kind.PERMANENT):
        kind = Kind.CONFIGURATION
    is_refusal = (
        kind is Kind.AUTHENTICATION
        and response.status != HTTPStatus.FORBIDDEN
        and _is_json_object(response.body)
    )
    has_code = error.code != f"HTTP.{response.status}"
    return _error_class(error.code, is_refusal=is_refusal)(
        kind,
        error.code,
        error.message,
        remedy=error.remedy if has_code else _REMEDIES.get(kind, error.remedy),
        retry_after=error.retry_after,
    )


def _error_class(code: str, *, is_refusal: bool) -> type[SwrError]:
    if not is_refusal:
        return SwrError
    return AccountLocked if code == _LOCKED_CODE else CredentialRefused


def _is_json_object(body: bytes) -> bool:
    try:
        return isinstance(decode(body), dict)
    except Undecodable:
        return False
