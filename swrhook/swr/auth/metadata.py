"""Fetches temporary keys of this machine: an ECS server's agency, or a pod's identity.

Sources: ECS user guide, "Metadata"; the vendor's Python SDK for version 2 of its token and for
the two environment variables of a pod.
"""

from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from swrhook.clock import Clock
from swrhook.config.model import AgencyCredentials, PodCredentials, Timeouts
from swrhook.errors import Kind, SwrError
from swrhook.senders.payload import get, timestamp
from swrhook.swr.auth.cache import IssuedCredential, lifetime_until
from swrhook.swr.auth.password import is_header_value
from swrhook.swr.auth.signing import AccessKey
from swrhook.swr.http import HttpTransport, Network, Request, no_proxies
from swrhook.swr.response import SwrResponse, decode_json, malformed_response, read_error
from swrhook.wording.message import say

_TOKEN_PATH = "/meta-data/latest/api/token"  # noqa: S105  # a path
_KEY_PATH = "/openstack/latest/securitykey"
_TOKEN_LIFETIME = {"X-Metadata-Token-Ttl-Seconds": "21600"}
# The answers of a version 1 metadata service, which has no tokens and requires none.
_VERSION_1_STATUSES = (404, 405, 503)
_MEMBERS = ("access", "secret", "securitytoken")
_TIMEOUTS = Timeouts(connect=3.0, read=3.0)
# For a key whose expiry is missing or, by our clock, in the past: it may work all the same.
_DEFAULT_LIFETIME = timedelta(minutes=5)
_OUTAGE_KINDS = (Kind.TRANSIENT, Kind.THROTTLED)
_AGENCY_REMEDY = say(
    "give this server an agency with rights in SWR, and let it reach 169.254.169.254"
)
_POD_REMEDY = say("check the association of the pod's service account with an agency")


class MachineKeyFetcher:
    """Fetches a temporary key from the metadata service or the pod's identity endpoint.

    Never through a proxy, since both belong to this machine. Fetches are rare, so each opens a
    connection of its own.
    """

    def __init__(
        self, credentials: AgencyCredentials | PodCredentials, network: Network, clock: Clock
    ) -> None:
        self._network = replace(network, timeouts=_TIMEOUTS, pool_size=1, find_proxies=no_proxies)
        self._clock = clock
        match credentials:
            case AgencyCredentials():
                self._endpoint, self._remedy = network.metadata, _AGENCY_REMEDY
                self._request_key = _request_agency_key
            case PodCredentials(url, token_file):
                parts = urlsplit(url)
                self._endpoint, self._remedy = f"{parts.scheme}://{parts.netloc}", _POD_REMEDY
                path = url.removeprefix(self._endpoint)
                self._request_key = partial(_request_pod_key, path, token_file)

    def fetch(self, _name: str) -> IssuedCredential[AccessKey]:
        """Return a new key, for any name. Raises SwrError, with the remedy for this machine."""
        transport = HttpTransport({self._endpoint}, self._network, self._clock)
        try:
            with closing(transport):
                return _read_key(self._request_key(transport, self._endpoint))
        except SwrError as error:
            # Of a kind that never makes a sync give up as rejected
            kind = error.kind if error.kind in _OUTAGE_KINDS else Kind.AUTHENTICATION
            message = say("no temporary key: %(message)s", message=error.message)
            remedy = say("%(remedy)s; or choose other swr.credentials", remedy=self._remedy)
            raise replace(error, kind=kind, message=message, remedy=remedy) from error


def _request_agency_key(transport: HttpTransport, endpoint: str) -> SwrResponse:
    response = transport.send(endpoint, Request("PUT", _TOKEN_PATH, _TOKEN_LIFETIME, b""))
    if response.status in _VERSION_1_STATUSES:
        return transport.send(endpoint, Request("GET", _KEY_PATH, {}))
    if not response.ok:
        raise read_error(response)
    token = response.body.decode("latin-1").strip()
    if not is_header_value(token):
        raise malformed_response(response, say("it contains no token"))
    headers = {"X-Metadata-Token": token}
    return transport.send(endpoint, Request("GET", _KEY_PATH, headers, secrets=(token,)))


def _request_pod_key(
    path: str, token_file: str, transport: HttpTransport, endpoint: str
) -> SwrResponse:
    # Read for each request: the platform replaces the token in the file before it expires.
    token = _read_token_file(token_file)
    headers = {"Content-Type": "application/json", "Authorization": token}
    return transport.send(endpoint, Request("POST", path, headers, b"{}", secrets=(token,)))


def _read_token_file(path: str) -> str:
    """Return the token in a file. Raises SwrError, which contains no part of the file."""
    try:
        token = Path(path).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else say("it is not ASCII")
        message = say("the token file %(path)s cannot be read: %(why)s", path=path, why=reason)
        raise SwrError(Kind.AUTHENTICATION, "token_file", message) from None
    if not is_header_value(token):
        message = say(
            "the token file %(path)s contains no token that can be sent in a header", path=path
        )
        raise SwrError(Kind.AUTHENTICATION, "token_file", message)
    return token


def _read_key(response: SwrResponse) -> IssuedCredential[AccessKey]:
    """Return the key in a response. Raises SwrError."""
    credential = get(decode_json(response), "credential")
    # Not `payload.text`: a security token is longer than the texts that it allows.
    parts = [get(credential, name) for name in _MEMBERS]
    if not all(isinstance(part, str) and is_header_value(part) for part in parts):
        raise malformed_response(response, say("it contains no key"))
    expires_at = timestamp(credential, "expires_at")
    lifetime = lifetime_until(expires_at, response.received_at, _DEFAULT_LIFETIME)
    return IssuedCredential(AccessKey(*parts), lifetime)
