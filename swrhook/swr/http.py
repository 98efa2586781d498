"""The HTTP transport to SWR and IAM: sends requests over pooled connections, reads responses.

It takes nothing from the environment: a .netrc would add credentials of its own, and requests would
look up proxies again for each call. The composition root passes
`find_proxies` (requests' `get_environ_proxies` reads HTTPS_PROXY and NO_PROXY), which is called
once for each endpoint, and a file of trusted certificates where a company has its own.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests
import urllib3
from requests.structures import CaseInsensitiveDict

from swrhook.answer_deadline import DeadlineAdapter
from swrhook.clock import Clock
from swrhook.config.model import Timeouts
from swrhook.errors import Kind, SwrError
from swrhook.swr.redaction import scrub
from swrhook.swr.response import SwrResponse, one_line
from swrhook.wording.message import say

MAX_RESPONSE_BYTES = 32 * 1024 * 1024

_CHUNK = 64 * 1024
_BROKEN_CONNECTION = (urllib3.exceptions.ProtocolError, urllib3.exceptions.DecodeError)
_HEADERS = {"User-Agent": "swrhook", "Accept": "application/json", "Accept-Encoding": "gzip"}


def no_proxies(_url: str) -> Mapping[str, str]:
    """Return no proxies: every endpoint is reached directly."""
    return {}


class Journal(Protocol):
    """Is told every response, by any thread."""

    def record(self, endpoint: str, request: "Request", response: SwrResponse) -> None:
        """Take note of a response; it must not raise."""
        ...


@dataclass(frozen=True, slots=True)
class Network:
    """How the endpoints are reached.

    `pool_size` is the number of connections kept open for each endpoint; further concurrent
    requests open a connection each and close it again. `certificates` is a file of trusted
    certificates that replaces the public authorities. `metadata` is the URL of the ECS metadata
    service.
    """

    timeouts: Timeouts = field(default_factory=Timeouts)
    pool_size: int = 16
    find_proxies: Callable[[str], Mapping[str, str]] = no_proxies
    certificates: str | None = None
    metadata: str = "http://169.254.169.254"
    journal: Journal | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One request to an endpoint; `secrets` are kept out of every error about it."""

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)
    secrets: Sequence[str] = field(default=(), repr=False)


class HttpTransport:
    """Sends requests to a fixed set of endpoints; safe to share between threads."""

    def __init__(self, endpoints: Collection[str], network: Network, clock: Clock) -> None:
        self._clock = clock
        self._journal = network.journal
        self._timeouts = (network.timeouts.connect, network.timeouts.read)
        self._certificates = network.certificates or True
        self._proxies = {url: dict(network.find_proxies(url)) for url in endpoints}
        # Adapters without a session, whose cookies, redirects and settings nothing here uses. No
        # retries: the ledger schedules them, so that they survive a restart.
        self._adapters = {
            url: _EndpointAdapter(
                network.timeouts.read,
                pool_connections=1,
                pool_maxsize=network.pool_size,
                max_retries=0,
            )
            for url in endpoints
        }

    def send(self, endpoint: str, request: Request) -> SwrResponse:
        """Return the response, with any status. Raises SwrError when none arrives."""
        try:
            with self._adapters[endpoint].send(
                _prepare(endpoint, request),
                timeout=self._timeouts,
                proxies=self._proxies[endpoint],
                verify=self._certificates,
                stream=True,
            ) as response:
                body = _read_body(response)
        # requests' exceptions are OSErrors; while the body is read, some of urllib3's come through.
        except (OSError, urllib3.exceptions.HTTPError) as exc:
            raise _transport_error(endpoint, request, exc) from exc
        headers = {name.lower(): value for name, value in response.raw.headers.itermerged()}
        now = self._clock.now()
        answer = SwrResponse(response.status_code, headers, body, now, request.secrets)
        if self._journal is not None:
            self._journal.record(endpoint, request, answer)
        return answer

    def close(self) -> None:
        """Close the idle connections."""
        for adapter in self._adapters.values():
            adapter.close()


class _EndpointAdapter(DeadlineAdapter):
    """An adapter for one endpoint, without what requests does for each request of a browser.

    It chooses its connection pool once, and parses no cookies.
    """

    _pool: Any = None

    def get_connection_with_tls_context(self, *request: Any, **how: Any) -> Any:  # noqa: ANN401
        """Return the pool of the endpoint, with its proxy and its trusted certificates."""
        if self._pool is None:
            self._pool = super().get_connection_with_tls_context(*request, **how)
        return self._pool

    def request_url(self, request: Any, proxies: Any) -> str:  # noqa: ANN401  # HTTPAdapter's
        """Return what the request line names: only a proxy needs more than the path."""
        return super().request_url(request, proxies) if proxies else str(request.path_url)

    def build_response(self, req: Any, resp: Any) -> requests.Response:  # noqa: ANN401  # HTTPAdapter's
        """Return the response with what is read of it: the status and the body."""
        response = requests.Response()
        response.status_code, response.url, response.raw = resp.status, req.url, resp
        return response


def _prepare(endpoint: str, request: Request) -> requests.PreparedRequest:
    """Return the request as it is sent.

    Built by hand: requests' own preparation nearly doubles the CPU time of a call, and quotes the
    path again, so that a signature of it would no longer match.
    """
    prepared = requests.PreparedRequest()
    prepared.method = request.method
    prepared.url = endpoint + request.path
    prepared.headers = CaseInsensitiveDict({**_HEADERS, **request.headers})
    if request.body is not None:
        prepared.body = request.body
        prepared.headers["Content-Length"] = str(len(request.body))
    return prepared


def _read_body(response: requests.Response) -> bytes:
    """Return the decompressed body. Raises SwrError when it exceeds the limit."""
    chunks: list[bytes] = []
    size = 0
    # The size is checked while decompressing: a small body may expand to gigabytes.
    for chunk in response.iter_content(_CHUNK):
        size += len(chunk)
        if size > MAX_RESPONSE_BYTES:
            host = urlsplit(response.url).hostname
            message = say(
                "%(host)s: the answer is larger than %(limit)s bytes",
                host=host,
                limit=str(MAX_RESPONSE_BYTES),
            )
            raise SwrError(Kind.TRANSIENT, "protocol", message)
        chunks.append(chunk)
    return b"".join(chunks)


def _transport_error(endpoint: str, request: Request, exc: Exception) -> SwrError:
    """Return the error for a request that got no response."""
    code, description, remedy = _describe(exc)
    host = urlsplit(endpoint).netloc.rpartition("@")[2]
    reason = one_line(scrub(_root_cause(exc), request.secrets))
    message = say(
        "%(host)s: %(description)s (%(reason)s)", host=host, description=description, reason=reason
    )
    return SwrError(Kind.TRANSIENT, code, message, remedy=remedy)


def _describe(exc: Exception) -> tuple[str, str, str]:
    """Return code, description and remedy for an exception of requests or urllib3."""
    inner = exc.args[0] if exc.args else None
    # A ConnectTimeout is both a Timeout and a ConnectionError; here it counts as the latter.
    if isinstance(exc, requests.Timeout) and not isinstance(exc, requests.ConnectTimeout):
        return "timeout", say("no answer in time"), ""
    if isinstance(inner, urllib3.exceptions.ReadTimeoutError):
        return "timeout", say("the answer stopped midway"), ""
    if isinstance(exc, requests.exceptions.SSLError):
        remedy = say(
            "check the endpoint, this machine's clock, and the certificates that it trusts"
        )
        return "connect", say("no TLS connection"), remedy
    if isinstance(inner, _BROKEN_CONNECTION) or isinstance(exc, urllib3.exceptions.HTTPError):
        return "protocol", say("the connection broke"), ""
    remedy = say("if it persists, check the endpoint in swr, and the network")
    return "connect", say("no connection"), remedy


def _root_cause(exc: BaseException) -> str:
    """Return the innermost message: "Connection refused" rather than the exceptions around it."""
    while exc.__context__ is not None:
        exc = exc.__context__
    return str(exc) or type(exc).__name__
