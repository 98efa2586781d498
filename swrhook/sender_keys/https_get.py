"""One GET over HTTPS: whole, small and soon, or not at all."""

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from time import monotonic
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies

from swrhook.errors import FetchFailed

MAX_BODY_BYTES = 256 * 1024

_CHUNK = 16 * 1024
_HEADERS = {"User-Agent": "swrhook", "Accept-Encoding": "identity"}


def no_proxies(_url: str) -> Mapping[str, str]:
    """Find no proxy for an address: it is reached directly."""
    return {}


@dataclass(frozen=True, slots=True)
class HttpsSettings:
    """How addresses are reached, and in how many seconds: a sender waits meanwhile.

    `certificates` is a file that replaces the public authorities.
    """

    find_proxies: Callable[[str], Mapping[str, str]] = no_proxies
    certificates: str | None = None
    connect_timeout: float = 2.0
    read_timeout: float = 3.0
    total_timeout: float = 5.0


def https_get(url: str, way: HttpsSettings) -> bytes:
    """Return the body at an address. Raises NotFetched."""
    host = urlsplit(url).hostname
    if not url.startswith("https://"):
        raise FetchFailed(f"{host}: only https is fetched")
    ends_at = monotonic() + way.total_timeout
    try:
        with closing(HTTPAdapter(max_retries=0)) as adapter, _answer(adapter, url, way) as answer:
            if answer.status_code != HTTPStatus.OK:
                raise FetchFailed(f"{host}: status {answer.status_code}")
            return _read(answer.raw, host, ends_at)
    except (OSError, urllib3.exceptions.HTTPError) as exc:
        # Without its cause, which quotes the whole address: a confirmation's holds a token.
        raise FetchFailed(f"{host}: {_happened(exc)}") from None


def _answer(adapter: HTTPAdapter, url: str, way: HttpsSettings) -> requests.Response:
    """Return the answer's head.

    Without a session, so that no redirection is followed and nothing comes from the environment.
    """
    return adapter.send(
        requests.Request("GET", url, _HEADERS).prepare(),
        stream=True,
        timeout=(way.connect_timeout, way.read_timeout),
        verify=way.certificates or True,
        proxies=dict(way.find_proxies(url)),
    )


def _read(raw: urllib3.HTTPResponse, host: str | None, ends_at: float) -> bytes:
    """Return the body as it comes in: a read of fixed size would wait for a trickle for ever."""
    body = bytearray()
    while chunk := raw.read1(_CHUNK, decode_content=False):
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise FetchFailed(f"{host}: the answer is larger than {MAX_BODY_BYTES} bytes")
        if monotonic() > ends_at:
            raise FetchFailed(f"{host}: the answer takes too long")
    return bytes(body)


def _happened(exc: Exception) -> str:
    if isinstance(exc, requests.Timeout | urllib3.exceptions.TimeoutError):
        return "no answer in time"
    if isinstance(exc, requests.exceptions.SSLError):
        return "no TLS connection"
    return "no connection, or it broke"


def find_proxies(url: str) -> Mapping[str, str]:
    """Return the proxies that HTTPS_PROXY and its kin name for an endpoint; none for loopback."""
    if urlsplit(url).hostname in ("127.0.0.1", "::1", "localhost"):
        return {}
    return get_environ_proxies(url)
