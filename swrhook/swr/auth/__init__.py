"""Who we are towards SWR: sends requests with the proof of it, and once more with another."""

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
from swrhook.swr import protocol
from swrhook.swr.auth import password, signing
from swrhook.swr.auth.access_key import GivenKey, Keys, TemporaryKeys
from swrhook.swr.auth.cache import CredentialCache, IssuedCredential
from swrhook.swr.auth.lockout import RefusedCredentials
from swrhook.swr.auth.metadata import machine_keys
from swrhook.swr.auth.password import IamTokens
from swrhook.swr.auth.signing import AccessKey
from swrhook.swr.auth.token import GivenToken, Tokens
from swrhook.swr.http import HttpTransport, Network, Request
from swrhook.swr.response import SwrResponse

# An id stays a project's as long as this lives; a project that was made anew has another.
_PROJECT_LIFE = timedelta(days=1)

P = TypeVar("P")


class Identity(Protocol):
    """Whoever can prove who we are, over whichever wire: it outlives a change of regions."""

    def ask(
        self, wire: HttpTransport, endpoint: str, project: str, request: Request
    ) -> SwrResponse:
        """Return the answer to a request, proven for a project.

        Raises SwrError when there is no proof or no answer. When SWR refuses the proof, it is
        replaced once, where another can be had.
        """


class TokenIdentity:
    """Proves with a token in a header; `secrets` are what the token was got with."""

    def __init__(self, tokens: Tokens, secrets: Sequence[str] = ()) -> None:
        self._tokens = tokens
        self._secrets = secrets

    def ask(
        self, wire: HttpTransport, endpoint: str, project: str, request: Request
    ) -> SwrResponse:
        """Return the answer to a request with a token of the project. Raises SwrError."""

        def send(token: str) -> SwrResponse:
            headers = {**request.headers, "X-Auth-Token": token}
            secrets = (token, *self._secrets)
            return wire.send(endpoint, replace(request, headers=headers, secrets=secrets))

        def another(refused: str, _: SwrResponse) -> str | None:
            return self._tokens.renew(project, refused)

        return _answer(send, self._tokens.token(project), another)


class KeyIdentity:
    """Proves with a signature; projects are found by name once, which tries a new key just once."""

    def __init__(self, keys: Keys, iam_endpoint: str, wire: HttpTransport, clock: Clock) -> None:
        self._keys = keys
        self._iam_endpoint = iam_endpoint
        self._wire = wire
        self._clock = clock
        self._projects = CredentialCache(self._find, clock)

    def ask(
        self, wire: HttpTransport, endpoint: str, project: str, request: Request
    ) -> SwrResponse:
        """Return the answer to a request signed for the project. Raises SwrError."""
        headers = {**request.headers, signing.PROJECT: self._project(project)}
        return self._signed(wire, endpoint, replace(request, headers=headers))

    def _project(self, name: str) -> str:
        try:
            return self._projects.get(name)
        except SwrError:
            self._keys.key()  # a key that is refused says so itself
            raise

    def _find(self, project: str) -> IssuedCredential[str]:
        request = Request("GET", password.projects_path(project), password.HEADERS)
        answer = self._signed(self._wire, self._iam_endpoint, request)
        return IssuedCredential(password.read_project(answer, project), _PROJECT_LIFE)

    def _signed(self, wire: HttpTransport, endpoint: str, request: Request) -> SwrResponse:
        def send(key: AccessKey) -> SwrResponse:
            return wire.send(endpoint, _signed(key, endpoint, request, self._clock.now()))

        return _answer(send, self._keys.key(), self._keys.another)


def identity_of(
    swr: Swr,
    network: Network,
    wire: HttpTransport,
    refused: RefusedCredentials,
    clock: Clock,
) -> Identity:
    """Return who the configuration says we are; nothing is asked yet."""
    credentials, iam = swr.credentials, swr.iam_endpoint
    match credentials:
        case PasswordCredentials(password=password):
            tokens = IamTokens(credentials, iam, wire, refused, clock)
            return TokenIdentity(tokens, (password,))
        case TokenCredentials(token=token):
            return TokenIdentity(GivenToken(token))
        case KeyCredentials():
            return KeyIdentity(GivenKey(credentials, iam, refused, clock), iam, wire, clock)
        case AgencyCredentials() | PodCredentials():
            keys = TemporaryKeys(machine_keys(credentials, network, clock), clock)
            return KeyIdentity(keys, iam, wire, clock)
        case _:
            assert_never(credentials)


def _answer(
    send: Callable[[P], SwrResponse], proof: P, another: Callable[[P, SwrResponse], P | None]
) -> SwrResponse:
    """Return the answer to a request; when it refuses the proof, the answer to another one."""
    answer = send(proof)
    if not protocol.refuses_credential(answer):
        return answer
    other = another(proof, answer)
    return answer if other is None or other == proof else send(other)


def _signed(key: AccessKey, endpoint: str, request: Request, now: datetime) -> Request:
    url = endpoint + request.path
    headers = signing.sign(key, request.method, url, request.headers, request.body or b"", now)
    proof = headers["Authorization"].rpartition("=")[2]
    secrets = (key.secret, key.security_token or "", key.access, proof)
    return replace(request, headers=headers, secrets=secrets)
