"""Logs in at IAM with user and password, and parses IAM's responses.

Sources: IAM API reference, "Obtaining a User Token Through Password Authentication" (2025-03-28),
"Querying Project Information Based on the Specified Criteria".
"""

import json
import re
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from urllib.parse import quote

from swrhook.config.model import PasswordCredentials
from swrhook.errors import Kind, SwrError
from swrhook.senders.payload import get, text, timestamp
from swrhook.swr.auth.cache import IssuedCredential, lifetime_until
from swrhook.swr.auth.lockout import AccountLocked, CredentialRefused, LockoutGuard
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


@dataclass(frozen=True, slots=True)
class IamLogin:
    """Fetches tokens of one IAM user, each for one project, for a CredentialCache.

    The guard keeps a wrong password from being tried again: IAM locks an account after a few
    attempts.
    """

    credentials: PasswordCredentials
    endpoint: str
    transport: HttpTransport
    guard: LockoutGuard

    def fetch(self, project: str) -> IssuedCredential[str]:
        """Get a token from IAM, unless IAM refused the credential before. Raises SwrError."""
        self.guard.check()
        body = token_request(self.credentials, project)
        secrets = (self.credentials.password,)
        request = Request("POST", TOKENS_PATH, HEADERS, body, secrets)
        try:
            return read_token(self.transport.send(self.endpoint, request))
        except CredentialRefused as error:
            self.guard.record(error)
            raise


def token_request(credentials: PasswordCredentials, project: str) -> bytes:
    """Return the body of a login for one project."""
    domain = {"name": credentials.domain}
    user = {"name": credentials.user, "password": credentials.password, "domain": domain}
    identity = {"methods": ["password"], "password": {"user": user}}
    auth = {"identity": identity, "scope": {"project": {"name": project}}}
    return json.dumps({"auth": auth}).encode()


def read_token(response: SwrResponse) -> IssuedCredential[str]:
    """Return the token. Raises CredentialRefused for a wrong credential, else SwrError."""
    if not response.ok:
        raise _iam_error(response)
    value = response.headers.get("x-subject-token", "")
    if not is_header_value(value):
        raise malformed_response(response, "it contains no token")
    content = response.json_or_none()
    expires_at = timestamp(content, "token", "expires_at")
    # By IAM's own clock, if it reports the time of issue
    issued_at = timestamp(content, "token", "issued_at") or response.received_at
    return IssuedCredential(value, lifetime_until(expires_at, issued_at, _DEFAULT_LIFETIME))


def projects_path(name: str) -> str:
    """Return the path that looks up a project by its name."""
    return f"/v3/projects?name={quote(name, safe='')}"


def read_project(response: SwrResponse, name: str) -> str:
    """Return the id of the project with this name. Raises SwrError when there is none."""
    if not response.ok:
        raise _iam_error(response)
    projects = get(decode_json(response), "projects")
    if not isinstance(projects, list):
        raise malformed_response(response, "it contains no list of projects")
    for project in projects:
        value = text(project, "id") if text(project, "name") == name else None
        if value is not None and is_header_value(value):
            return value
    message = f"IAM knows no project named {name}"
    raise SwrError(Kind.CONFIGURATION, "project", message, remedy=IAM_NAMES)


def is_header_value(value: str) -> bool:
    """Tell whether a value can be sent in a header.

    Checked ahead, because the HTTP library's own error would quote a value that it refuses.
    """
    return _HEADER_VALUE.fullmatch(value) is not None


def _iam_error(response: SwrResponse) -> SwrError:
    """Return the error of an IAM response: its kind, and whether it refuses the credential.

    "Not found" and "invalid" are mistakes in the configuration, since a name that IAM does not
    know will not appear by itself. The credential counts as refused for good only if IAM itself
    says so: a proxy's 401 says nothing about it, and a disabled user (403) may be enabled again.
    """
    error = read_error(response)
    is_mistake = error.kind in (Kind.NOT_YET, Kind.PERMANENT)
    kind = Kind.CONFIGURATION if is_mistake else error.kind
    has_code = error.code != f"HTTP.{response.status}"
    remedy = error.remedy if has_code else _REMEDIES.get(kind, error.remedy)
    is_refusal = (
        kind is Kind.AUTHENTICATION
        and response.status != HTTPStatus.FORBIDDEN
        and isinstance(response.json_or_none(), dict)
    )
    error_class = SwrError
    if is_refusal:
        error_class = AccountLocked if error.code == _LOCKED_CODE else CredentialRefused
    return error_class(
        kind, error.code, error.message, remedy=remedy, retry_after=error.retry_after
    )
