"""Temporary keys of the machine that we run on: a server's agency, or a pod's identity.

Both are asked directly, never through a proxy, and seldom: each fetch opens its own connection.

Sources: ECS user guide, «Metadata»; the vendor's Python SDK for the version 2 of its token and for
the pod's two variables.
"""

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from swrhook.clock import Clock
from swrhook.config.model import AgencyCredentials, PodCredentials, Timeouts
from swrhook.errors import Kind, SwrError
from swrhook.senders.payload import get, timestamp
from swrhook.swr.auth.cache import IssuedCredential
from swrhook.swr.auth.password import is_token
from swrhook.swr.auth.signing import AccessKey
from swrhook.swr.http import HttpTransport, Network, Request, no_proxies
from swrhook.swr.response import SwrResponse, document, failure, unreadable

_TOKEN_PATH = "/meta-data/latest/api/token"  # noqa: S105  # a path
_KEY_PATH = "/openstack/latest/securitykey"
_TOKEN_LIFE = {"X-Metadata-Token-Ttl-Seconds": "21600"}
# So answers a metadata service that knows no tokens yet: version 1 needs none.
_WITHOUT_TOKENS = (404, 405, 503)
_MEMBERS = ("access", "secret", "securitytoken")
_TIMEOUTS = Timeouts(connect=3.0, read=3.0)
# The key's end is not told, or has passed by our clock: it may serve a while all the same.
_SHORT_LIFE = timedelta(minutes=5)
_UNWELL = (Kind.TRANSIENT, Kind.THROTTLED)
_AGENCY_REMEDY = (
    "give this server an agency with rights in SWR, and let it reach 169.254.169.254;"
    " or choose other swr.credentials"
)
_POD_REMEDY = (
    "check the association of the pod's service account with an agency;"
    " or choose other swr.credentials"
)

Fetch = Callable[[], IssuedCredential[AccessKey]]


def machine_keys(
    credentials: AgencyCredentials | PodCredentials,
    network: Network,
    clock: Clock,
) -> Fetch:
    """Return what fetches a temporary key, and raises SwrError with what to do when it cannot."""
    direct = replace(network, timeouts=_TIMEOUTS, pool_size=1, find_proxies=no_proxies)
    match credentials:
        case AgencyCredentials():
            endpoint, ask, remedy = network.metadata, _ask_metadata, _AGENCY_REMEDY
        case PodCredentials(url, token_file):
            parts = urlsplit(url)
            endpoint, remedy = f"{parts.scheme}://{parts.netloc}", _POD_REMEDY
            ask = partial(_ask_pod, url.removeprefix(endpoint), token_file)

    def fetch() -> IssuedCredential[AccessKey]:
        try:
            with closing(HttpTransport({endpoint}, direct, clock)) as wire:
                return _read_key(ask(wire, endpoint))
        except SwrError as error:
            raise _without_key(error, remedy) from error

    return fetch


def _without_key(error: SwrError, remedy: str) -> SwrError:
    """Return what a failure means: whatever is wrong here is no reason to give a tag up."""
    kind = error.kind if error.kind in _UNWELL else Kind.AUTHENTICATION
    message = f"no temporary key: {error.message}"
    return SwrError(kind, error.code, message, remedy=remedy, retry_after=error.retry_after)


def _ask_metadata(wire: HttpTransport, endpoint: str) -> SwrResponse:
    answer = wire.send(endpoint, Request("PUT", _TOKEN_PATH, _TOKEN_LIFE, b""))
    if answer.status in _WITHOUT_TOKENS:
        return wire.send(endpoint, Request("GET", _KEY_PATH, {}))
    if not answer.ok:
        raise failure(answer)
    token = answer.body.decode("latin-1").strip()
    if not is_token(token):
        raise unreadable(answer, "it brings no token")
    headers = {"X-Metadata-Token": token}
    return wire.send(endpoint, Request("GET", _KEY_PATH, headers, secrets=(token,)))


def _ask_pod(path: str, token_file: str, wire: HttpTransport, endpoint: str) -> SwrResponse:
    token = _content(token_file)
    headers = {"Content-Type": "application/json", "Authorization": token}
    return wire.send(endpoint, Request("POST", path, headers, b"{}", secrets=(token,)))


def _content(path: str) -> str:
    """Return the token in a file. Raises SwrError that shows none of it."""
    try:
        token = Path(path).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else "it is not ASCII"
        message = f"the token file {path} cannot be read: {reason}"
        raise SwrError(Kind.AUTHENTICATION, "token_file", message) from None
    if not is_token(token):
        message = f"the token file {path} holds nothing that can stand in a header"
        raise SwrError(Kind.AUTHENTICATION, "token_file", message)
    return token


def _read_key(answer: SwrResponse) -> IssuedCredential[AccessKey]:
    """Return the key in an answer. Raises SwrError."""
    if not answer.ok:
        raise failure(answer)
    credential = get(document(answer), "credential")
    access, secret, security_token = (get(credential, name) for name in _MEMBERS)
    # Tokens are longer than any text of a sender's may be.
    if not all(isinstance(v, str) and is_token(v) for v in (access, secret, security_token)):
        raise unreadable(answer, "it brings no key")
    return IssuedCredential(AccessKey(access, secret, security_token), _life(answer, credential))


def _life(answer: SwrResponse, credential: Any) -> timedelta:  # noqa: ANN401  # JSON
    expires_at = timestamp(credential, "expires_at")
    if expires_at is None or expires_at <= answer.received_at:
        return _SHORT_LIFE
    return expires_at - answer.received_at
