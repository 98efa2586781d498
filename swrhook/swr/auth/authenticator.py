"""Authenticates requests to SWR; renews a refused token or key, and retries once with it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol, TypeVar, assert_never

from swrhook.clock import Clock
from swrhook.config.model import (
    AgencyCredentials,
    KeyCredentials,
    PasswordCredentials,
    PodCredentials,
    Swr,
    TokenCredentials,
)
from swrhook.errors import SwrError
from swrhook.swr.auth import password, signing
from swrhook.swr.auth.access_key import AccessKeySource, StaticAccessKey, TemporaryAccessKeys
from swrhook.swr.auth.cache import CredentialCache, IssuedCredential
from swrhook.swr.auth.lockout import RefusalStore
from swrhook.swr.auth.metadata import MachineKeyFetcher
from swrhook.swr.auth.password import IamTokenSource
from swrhook.swr.auth.signing import AccessKey
from swrhook.swr.auth.token import StaticToken, TokenSource
from swrhook.swr.http import HttpTransport, Network, Request
from swrhook.swr.protocol import refuses_credential
from swrhook.swr.response import SwrResponse

# A project keeps its id for life. Looking it up daily notices one that was deleted and recreated.
_PROJECT_ID_LIFETIME = timedelta(days=1)

C = TypeVar("C")


class Authenticator(Protocol):
    """Sends requests with our credential, over a transport that may change with the regions."""

    def send(
        self, transport: HttpTransport, endpoint: str, project: str, request: Request
    ) -> SwrResponse:
        """Return the response to a request that is authenticated for a project.

        When SWR refuses the credential, it is renewed once, where that is possible. Raises
        SwrError when there is no credential or no response.
        """


class TokenAuthenticator:
    """Authenticates with a token in a header; `secrets` are those that the token was got with."""

    def __init__(self, tokens: TokenSource, secrets: Sequence[str] = ()) -> None:
        self._tokens = tokens
        self._secrets = secrets

    def send(
        self, transport: HttpTransport, endpoint: str, project: str, request: Request
    ) -> SwrResponse:
        """Return the response to a request with a token for the project. Raises SwrError."""

        def send(token: str) -> SwrResponse:
            headers = {**request.headers, "X-Auth-Token": token}
            secrets = (token, *self._secrets)
            return transport.send(endpoint, replace(request, headers=headers, secrets=secrets))

        def renew(refused: str, _: SwrResponse) -> str | None:
            return self._tokens.renew(project, refused)

        return _send_with_renewal(send, self._tokens.token(project), renew)


class AccessKeyAuthenticator:
    """Authenticates with a signature; looks up each project's id once, at IAM.

    The look-ups run one at a time, so that a wrong key is tried once, not once for each region.
    """

    def __init__(
        self,
        keys: AccessKeySource,
        iam_endpoint: str,
        transport: HttpTransport,
        clock: Clock,
    ) -> None:
        self._keys = keys
        self._iam_endpoint = iam_endpoint
        self._transport = transport
        self._clock = clock
        self._project_ids = CredentialCache(self._look_up_project, clock)

    def send(
        self, transport: HttpTransport, endpoint: str, project: str, request: Request
    ) -> SwrResponse:
        """Return the response to a request that is signed for the project. Raises SwrError."""
        headers = {**request.headers, signing.PROJECT_HEADER: self._project_id(project)}
        return self._send_signed(transport, endpoint, replace(request, headers=headers))

    def _project_id(self, name: str) -> str:
        try:
            return self._project_ids.get(name)
        except SwrError:
            # A key that was refused meanwhile raises its own, clearer error.
            self._keys.key()
            raise

    def _look_up_project(self, name: str) -> IssuedCredential[str]:
        request = Request("GET", password.projects_path(name), password.HEADERS)
        response = self._send_signed(self._transport, self._iam_endpoint, request)
        return IssuedCredential(password.read_project(response, name), _PROJECT_ID_LIFETIME)

    def _send_signed(
        self, transport: HttpTransport, endpoint: str, request: Request
    ) -> SwrResponse:
        def send(key: AccessKey) -> SwrResponse:
            return transport.send(endpoint, _sign(key, endpoint, request, self._clock.now()))

        return _send_with_renewal(send, self._keys.key(), self._keys.renew)


def make_authenticator(
    swr: Swr,
    network: Network,
    transport: HttpTransport,
    refusals: RefusalStore,
    clock: Clock,
) -> Authenticator:
    """Return the authenticator for the configured credentials; no request is sent yet."""
    credentials, iam = swr.credentials, swr.iam_endpoint
    match credentials:
        case PasswordCredentials():
            tokens = IamTokenSource(credentials, iam, transport, refusals, clock)
            return TokenAuthenticator(tokens, (credentials.password,))
        case TokenCredentials(token=token):
            return TokenAuthenticator(StaticToken(token))
        case KeyCredentials():
            key = StaticAccessKey(credentials, iam, refusals, clock)
            return AccessKeyAuthenticator(key, iam, transport, clock)
        case AgencyCredentials() | PodCredentials():
            keys = TemporaryAccessKeys(MachineKeyFetcher(credentials, network, clock), clock)
            return AccessKeyAuthenticator(keys, iam, transport, clock)
        case _:
            assert_never(credentials)


def _send_with_renewal(
    send: Callable[[C], SwrResponse],
    credential: C,
    renew: Callable[[C, SwrResponse], C | None],
) -> SwrResponse:
    """Return the response to a request; if it refuses the credential, that to a second attempt."""
    response = send(credential)
    if not refuses_credential(response):
        return response
    new = renew(credential, response)
    return response if new is None or new == credential else send(new)


def _sign(key: AccessKey, endpoint: str, request: Request, now: datetime) -> Request:
    url = endpoint + request.path
    headers = signing.sign(key, request.method, url, request.headers, request.body or b"", now)
    # The gateway echoes a request that it refuses, and with it all of these.
    signature = headers["Authorization"].rpartition("=")[2]
    secrets = (key.secret, key.security_token or "", key.access, signature)
    return replace(request, headers=headers, secrets=secrets)
