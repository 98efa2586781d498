"""Logs in at IAM with user and password, and parses IAM's responses.

Sources: IAM API reference, "Obtaining a User Token Through Password Authentication" (2025-03-28),
"Querying Project Information Based on the Specified Criteria".
"""

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http import HTTPStatus
from urllib.parse import quote

from swrhook.config.model import PasswordCredentials
from swrhook.errors import Kind, SwrError
from swrhook.senders.payload import get, text, timestamp
from swrhook.swr.auth.cache import IssuedCredential, lifetime_until
from swrhook.swr.auth.lockout import (
    AccountLocked,
    CredentialRefused,
    LockoutGuard,
    LoginRefused,
    ProjectRefused,
)
from swrhook.swr.error_codes import IAM_NAMES, LIST_PROJECTS, LOGIN, NO_IAM, PROTECTED_LOGIN
from swrhook.swr.http import HttpTransport, Request
from swrhook.swr.response import SwrResponse, decode_json, malformed_response, read_error
from swrhook.wording.message import say

TOKENS_PATH = "/v3/auth/tokens?nocatalog=true"
HEADERS = {"Content-Type": "application/json;charset=utf8"}

# Where IAM does not report an expiry. The documentation promises 24 hours.
_DEFAULT_LIFETIME = timedelta(hours=1)
# Of an answer without a code, by its status
_REMEDIES: Mapping[int, str] = {
    HTTPStatus.BAD_REQUEST: IAM_NAMES,
    HTTPStatus.UNAUTHORIZED: LOGIN,
    HTTPStatus.FORBIDDEN: PROTECTED_LOGIN,
    HTTPStatus.NOT_FOUND: NO_IAM,
    HTTPStatus.METHOD_NOT_ALLOWED: NO_IAM,
}
_PASSING_KINDS = (Kind.TRANSIENT, Kind.THROTTLED)
_LOCKED_CODE = "IAM.0061"
# "The request you have made requires authentication": like an answer without a code, it does not
# say whether the password is wrong or the project is denied.
_UNSPECIFIC_CODE = "IAM.0001"
_NAMES_PASSWORD = re.compile(r"password|user ?name|access key", re.IGNORECASE)
_HEADER_VALUE = re.compile(r"[!-~]{1,65536}", re.ASCII)


@dataclass(frozen=True, slots=True)
class IamLogin:
    """Fetches tokens of one IAM user, each for one project, for a CredentialCache.

    `projects` are the names of all, and `project_ids` the ids of those that the configuration names
    by their id. The guard keeps a wrong password from being tried again: IAM locks an account after
    a few attempts.
    """

    credentials: PasswordCredentials
    endpoint: str
    transport: HttpTransport
    guard: LockoutGuard
    projects: Sequence[str] = ()
    project_ids: Mapping[str, str] = field(default_factory=dict)

    def fetch(self, name: str) -> IssuedCredential[str]:
        """Get a token from IAM, unless IAM refused the login before. Raises SwrError."""
        if self.guard.needs_proof(self._project(name)):
            other = next((project for project in self.projects if project != name), None)
            if other is not None:
                with suppress(SwrError):  # then the guard knows what it means
                    self._log_in(other)
        return self._log_in(name)

    def _log_in(self, name: str) -> IssuedCredential[str]:
        project = self._project(name)
        self.guard.check(project)
        scope = {"id": project} if name in self.project_ids else {"name": project}
        body = token_request(self.credentials, scope)
        secrets = (self.credentials.password,)
        request = Request("POST", TOKENS_PATH, HEADERS, body, secrets)
        try:
            token = read_token(self.transport.send(self.endpoint, request))
        except LoginRefused as error:
            self.guard.record(error, project)
            raise
        self.guard.record_success()
        return token

    def _project(self, name: str) -> str:
        return self.project_ids.get(name, name)


def token_request(credentials: PasswordCredentials, project: Mapping[str, str]) -> bytes:
    """Return the body of a login for one project, which is given by its name or id."""
    domain = {"name": credentials.domain}
    user = {"name": credentials.user, "password": credentials.password, "domain": domain}
    identity = {"methods": ["password"], "password": {"user": user}}
    auth = {"identity": identity, "scope": {"project": project}}
    return json.dumps({"auth": auth}).encode()


def read_token(response: SwrResponse) -> IssuedCredential[str]:
    """Return the token. Raises LoginRefused when IAM refuses the login, else SwrError."""
    if not response.ok:
        raise _iam_error(response)
    value = response.headers.get("x-subject-token", "")
    if not is_header_value(value):
        raise malformed_response(response, say("it contains no token"))
    content = response.json_or_none()
    expires_at = timestamp(content, "token", "expires_at")
    # By IAM's own clock, if it reports the time of issue
    issued_at = timestamp(content, "token", "issued_at") or response.received_at
    return IssuedCredential(value, lifetime_until(expires_at, issued_at, _DEFAULT_LIFETIME))


def projects_path(name: str) -> str:
    """Return the path that looks up a project by its name."""
    return f"/v3/projects?name={quote(name, safe='')}"


def read_project(response: SwrResponse, name: str) -> str:
    """Return the id of the project with this name. Raises SwrError when there is none.

    IAM users need the right `iam:projects:listProjects` ("Permissions and Supported Actions", IAM
    API reference, `iam_06_0001`).
    """
    if not response.ok:
        error = _iam_error(response)
        is_denied = response.status == HTTPStatus.FORBIDDEN
        raise replace(error, remedy=LIST_PROJECTS) if is_denied else error
    projects = get(decode_json(response), "projects")
    if not isinstance(projects, list):
        raise malformed_response(response, say("it contains no list of projects"))
    for project in projects:
        value = text(project, "id") if text(project, "name") == name else None
        if value is not None and is_header_value(value):
            return value
    message = say("IAM knows no project named %(project)s", project=name)
    raise SwrError(Kind.AUTHENTICATION, "project", message, remedy=IAM_NAMES)


def is_header_value(value: str) -> bool:
    """Tell whether a value can be sent in a header.

    Checked ahead, because the HTTP library's own error would quote a value that it refuses.
    """
    return _HEADER_VALUE.fullmatch(value) is not None


def _iam_error(response: SwrResponse) -> SwrError:
    """Return the error of an IAM response: its kind, and whether it refuses the login.

    Whatever keeps a login from succeeding says nothing about a tag. So it is of kind authentication
    unless it passes by itself: syncs wait until it is mended. The credential counts as refused for
    good only if IAM itself says so: a proxy's 401 says nothing about it, and a disabled user (403)
    may be enabled again.
    """
    error = read_error(response)
    kind = error.kind if error.kind in _PASSING_KINDS else Kind.AUTHENTICATION
    has_code = error.code != f"HTTP.{response.status}"
    remedy = error.remedy if has_code else _REMEDIES.get(response.status, error.remedy)
    is_refusal = (
        error.kind is Kind.AUTHENTICATION
        and response.status != HTTPStatus.FORBIDDEN
        and isinstance(response.json_or_none(), dict)
    )
    error_class = _refusal_class(error) if is_refusal else SwrError
    return error_class(
        kind, error.code, error.message, remedy=remedy, retry_after=error.retry_after
    )


def _refusal_class(error: SwrError) -> type[LoginRefused]:
    """Return what IAM refuses: the credential if it names it, otherwise perhaps the project."""
    if error.code == _LOCKED_CODE:
        return AccountLocked
    is_unspecific = error.code in (f"HTTP.{HTTPStatus.UNAUTHORIZED:d}", _UNSPECIFIC_CODE)
    if is_unspecific and not _NAMES_PASSWORD.search(error.message):
        return ProjectRefused
    return CredentialRefused
