"""The one way out: a pooled session that sends a request and returns what came back, whole.

Nothing is taken from the environment here. `trust_env` is off: a .netrc would add credentials of
its own, and requests would look for proxies anew for each call. The composition root gives
`find_proxies` (requests' `get_environ_proxies` reads HTTPS_PROXY and NO_PROXY), which is asked
once for each endpoint, and the file of trusted certificates where a company has its own.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict

from swrhook.clock import Clock
from swrhook.config.model import Timeouts
from swrhook.errors import Kind, SwrError
from swrhook.swr.redaction import scrub
from swrhook.swr.response import SwrResponse, one_line

MOST_BYTES = 32 * 1024 * 1024
METADATA = "http://169.254.169.254"

_CHUNK = 64 * 1024
_BROKEN = (urllib3.exceptions.ProtocolError, urllib3.exceptions.DecodeError)
_HEADERS = {"User-Agent": "swrhook", "Accept": "application/json", "Accept-Encoding": "gzip"}


def no_proxies(_url: str) -> Mapping[str, str]:
    """Find no proxy for an endpoint: it is reached directly."""
    return {}


@dataclass(frozen=True, slots=True)
class Network:
    """How the endpoints are reached.

    `pool_size` is the connections kept for each of them; more in flight than these open and
    close connections of their own. `certificates` is a file that replaces the public authorities.
    `metadata` is where a server asks about itself.
    """

    timeouts: Timeouts = field(default_factory=Timeouts)
    pool_size: int = 16
    find_proxies: Callable[[str], Mapping[str, str]] = no_proxies
    certificates: str | None = None
    metadata: str = METADATA


@dataclass(frozen=True, slots=True)
class Request:
    """One request to an endpoint; `secrets` are kept out of every error about it."""

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(default=None, repr=False)
    secrets: Sequence[str] = field(default=(), repr=False)


class HttpTransport:
    """Sends requests to a fixed set of endpoints; safe to use by many threads."""

    def __init__(self, endpoints: Collection[str], network: Network, clock: Clock) -> None:
        self._clock = clock
        self._timeouts = (network.timeouts.connect, network.timeouts.read)
        self._certificates = network.certificates or True
        self._proxies = {url: dict(network.find_proxies(url)) for url in endpoints}
        self._session = _session(len(endpoints), network.pool_size)

    def send(self, endpoint: str, request: Request) -> SwrResponse:
        """Return the answer, whatever its status. Raises SwrError when there is none."""
        try:
            with self._session.send(
                _prepared(endpoint, request),
                timeout=self._timeouts,
                proxies=self._proxies[endpoint],
                verify=self._certificates,
                cert=None,
                stream=True,
                allow_redirects=False,
            ) as response:
                body = _read(response)
        except (OSError, urllib3.exceptions.HTTPError) as exc:
            raise _unanswered(endpoint, request, exc) from exc
        headers = {name.lower(): value for name, value in response.headers.items()}
        return SwrResponse(response.status_code, headers, body, self._clock.now(), request.secrets)

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._session.close()


class _Session(requests.Session):
    """A session for which no answer is a redirection: requests would read its body unbounded."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:  # noqa: ARG002
        """Find nowhere to go, whatever the answer says."""
        return None


def _session(endpoints: int, pool_size: int) -> _Session:
    """Make a session that takes nothing from its surroundings, and keeps nothing but connections.

    urllib3 repeats nothing: when to try again is the ledger's business.
    """
    session = _Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
    adapter = HTTPAdapter(pool_connections=endpoints, pool_maxsize=pool_size, max_retries=0)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def _prepared(endpoint: str, request: Request) -> requests.PreparedRequest:
    """Return the request as it goes out.

    Made by hand: requests' own preparation would nearly double what a call costs, and quote the
    path anew.
    """
    prepared = requests.PreparedRequest()
    prepared.method = request.method
    prepared.url = endpoint + request.path
    prepared.headers = CaseInsensitiveDict({**_HEADERS, **request.headers})
    if request.body is not None:
        prepared.body = request.body
        prepared.headers["Content-Length"] = str(len(request.body))
    return prepared


def _read(response: requests.Response) -> bytes:
    """Return the body, uncompressed. Raises SwrError for one that would fill the memory."""
    chunks: list[bytes] = []
    size = 0
    for chunk in response.iter_content(_CHUNK):
        size += len(chunk)
        if size > MOST_BYTES:
            host = urlsplit(response.url).hostname
            raise SwrError(
                Kind.TRANSIENT, "protocol", f"{host}: the answer is larger than {MOST_BYTES} bytes"
            )
        chunks.append(chunk)
    return b"".join(chunks)


def _unanswered(endpoint: str, request: Request, exc: Exception) -> SwrError:
    """Return the error for a call that brought no answer."""
    code, words, remedy = _happened(exc)
    host = urlsplit(endpoint).netloc.rpartition("@")[2]
    reason = one_line(scrub(_innermost(exc), request.secrets))
    return SwrError(Kind.TRANSIENT, code, f"{host}: {words} ({reason})", remedy=remedy)


def _happened(exc: Exception) -> tuple[str, str, str]:
    """Return the code, the words and the remedy for what requests or urllib3 raised."""
    inner = exc.args[0] if exc.args else None
    if isinstance(exc, requests.Timeout) and not isinstance(exc, requests.ConnectTimeout):
        return "timeout", "no answer in time", ""
    if isinstance(inner, urllib3.exceptions.ReadTimeoutError):
        return "timeout", "the answer stopped midway", ""
    if isinstance(exc, requests.exceptions.SSLError):
        remedy = "check the endpoint, this machine's clock, and the certificates that it trusts"
        return "connect", "no TLS connection", remedy
    if isinstance(inner, _BROKEN) or isinstance(exc, urllib3.exceptions.HTTPError):
        return "protocol", "the connection broke", ""
    return "connect", "no connection", "if it persists, check the endpoint in swr, and the network"


def _innermost(exc: BaseException) -> str:
    """Return what lies at the bottom: «Connection refused», not three wrappings of it."""
    while exc.__context__ is not None:
        exc = exc.__context__
    return str(exc) or type(exc).__name__
