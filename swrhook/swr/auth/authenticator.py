"""Authenticates requests to SWR; renews a refused token or key, and retries once with it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TypeVar, assert_never

from swrhook.clock import Clock
from swrhook.config.model import (
    AgencyCredentials,
    KeyCredentials,
    NoCredentials,
    PasswordCredentials,
    PodCredentials,
    Swr,
    TokenCredentials,
)
from swrhook.errors import Kind, SwrError
from swrhook.swr.auth import password, signing
from swrhook.swr.auth.access_key import StaticAccessKey
from swrhook.swr.auth.cache import CredentialCache, CredentialSource, IssuedCredential
from swrhook.swr.auth.lockout import LockoutGuard, RefusalStore
from swrhook.swr.auth.metadata import MachineKeyFetcher
from swrhook.swr.auth.signing import AccessKey
from swrhook.swr.auth.token import StaticToken
from swrhook.swr.http import HttpTransport, Network, Request
from swrhook.swr.protocol import refuses_credential
from swrhook.swr.response import SwrResponse
from swrhook.wording.message import say

# A project keeps its id for life. Looking it up daily notices one that was deleted and recreated.
_PROJECT_ID_LIFETIME = timedelta(days=1)
_ANY_PROJECT = ""  # the name of every access key: one serves all projects

C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class TokenAuthenticator:
    """Authenticates with a token in a header; `secrets` are those that the token was got with."""

    tokens: CredentialSource[str]
    secrets: Sequence[str] = field(default=(), repr=False)

    def send(
        self, transport: HttpTransport, endpoint: str, project: str, request: Request
    ) -> SwrResponse:
        """Return the response to a request with a token for the project. Raises SwrError."""

        def send(token: str) -> SwrResponse:
            headers = {**request.headers, "X-Auth-Token": token}
            secrets = (token, *self.secrets)
            return transport.send(endpoint, replace(request, headers=headers, secrets=secrets))

        return _send_with_renewal(send, self.tokens, project)


@dataclass(slots=True)
class AccessKeyAuthenticator:
    """Authenticates with a signature; looks up each project's id once, at IAM.

    `configured_ids` are the ids that the configuration names: they are not looked up. The look-ups
    run one at a time, so that a wrong key is tried once, not once for each region.
    """

    keys: CredentialSource[AccessKey]
    iam_endpoint: str
    transport: HttpTransport
    clock: Clock
    configured_ids: Mapping[str, str] = field(default_factory=dict)
    project_ids: CredentialCache[str] = field(init=False)

    def __post_init__(self) -> None:
        self.project_ids = CredentialCache(self._look_up_project, self.clock)

    def send(
        self, transport: HttpTransport, endpoint: str, project: str, request: Request
    ) -> SwrResponse:
        """Return the response to a request that is signed for the project. Raises SwrError."""
        try:
            project_id = self.configured_ids.get(project) or self.project_ids.get(project)
        except SwrError:
            # A key that was refused meanwhile raises its own, clearer error.
            self.keys.get(_ANY_PROJECT)
            raise
        headers = {**request.headers, signing.PROJECT_HEADER: project_id}
        return self._send_signed(transport, endpoint, replace(request, headers=headers))

    def _look_up_project(self, name: str) -> IssuedCredential[str]:
        request = Request("GET", password.projects_path(name), password.HEADERS)
        response = self._send_signed(self.transport, self.iam_endpoint, request)
        return IssuedCredential(password.read_project(response, name), _PROJECT_ID_LIFETIME)

    def _send_signed(
        self, transport: HttpTransport, endpoint: str, request: Request
    ) -> SwrResponse:
        def send(key: AccessKey) -> SwrResponse:
            url, body = endpoint + request.path, request.body or b""
            now = self.clock.now()
            headers = signing.sign(key, request.method, url, request.headers, body, now)
            # The gateway echoes a request that it refuses, and with it all of these.
            signature = headers["Authorization"].rpartition("=")[2]
            secrets = (key.secret, key.security_token or "", key.access, signature)
            return transport.send(endpoint, replace(request, headers=headers, secrets=secrets))

        return _send_with_renewal(send, self.keys, _ANY_PROJECT)


class NoAuthenticator:
    """Sends nothing: this process has no credentials."""

    def send(self, *_request: object) -> SwrResponse:
        """Raise SwrError."""
        message = say("this process only records deliveries, and has no credentials for SWR")
        remedy = say("let a process with SWRHOOK_WORKERS of 1 or more do this")
        raise SwrError(Kind.CONFIGURATION, "no_credentials", message, remedy=remedy)


# Its `send` returns the response to a request that is authenticated for a project, over a transport
# that may change with the regions. When SWR refuses the credential, it is renewed once, where that
# is possible. Raises SwrError when there is no credential or no response.
Authenticator = TokenAuthenticator | AccessKeyAuthenticator | NoAuthenticator


def make_authenticator(
    swr: Swr, network: Network, transport: HttpTransport, refusals: RefusalStore, clock: Clock
) -> Authenticator:
    """Return the authenticator for the configured credentials; no request is sent yet."""
    credentials, iam, ids = swr.credentials, swr.iam_endpoint, swr.project_ids
    match credentials:
        case PasswordCredentials():
            guard = LockoutGuard(credentials, iam, refusals, clock)
            projects = [region.project for region in swr.regions.values()]
            login = password.IamLogin(credentials, iam, transport, guard, projects, ids)
            tokens = CredentialCache(login.fetch, clock)
            return TokenAuthenticator(tokens, (credentials.password,))
        case TokenCredentials(token=token):
            return TokenAuthenticator(StaticToken(token))
        case KeyCredentials():
            key = StaticAccessKey(credentials, LockoutGuard(credentials, iam, refusals, clock))
            return AccessKeyAuthenticator(key, iam, transport, clock, ids)
        case AgencyCredentials() | PodCredentials():
            fetcher = MachineKeyFetcher(credentials, network, clock)
            keys = CredentialCache(fetcher.fetch, clock)
            return AccessKeyAuthenticator(keys, iam, transport, clock, ids)
        case NoCredentials():
            return NoAuthenticator()
        case _:
            assert_never(credentials)


def _send_with_renewal(
    send: Callable[[C], SwrResponse], source: CredentialSource[C], name: str
) -> SwrResponse:
    """Return the response to a request; if it refuses the credential, that to a second attempt."""
    credential = source.get(name)
    response = send(credential)
    if not refuses_credential(response):
        return response
    new = source.renew(name, credential, response)
    return response if new is None or new == credential else send(new)
