"""A single bounded request over HTTPS: no redirects, a small body, a deadline for the whole."""

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

import requests
import urllib3
from requests.utils import get_environ_proxies

from swrhook.answer_deadline import DeadlineAdapter
from swrhook.errors import FetchFailed
from swrhook.wording.message import say

MAX_BODY_BYTES = 256 * 1024
_CHUNK = 16 * 1024
_HEADERS = {"User-Agent": "swrhook", "Accept-Encoding": "identity"}
_NONE: Mapping[str, str] = {}


def no_proxies(_url: str) -> Mapping[str, str]:
    """Return no proxies: every host is reached directly."""
    return {}


def find_proxies(url: str) -> Mapping[str, str]:
    """Return the proxies for a URL by HTTPS_PROXY, NO_PROXY and the like; none for loopback."""
    if urlsplit(url).hostname in ("127.0.0.1", "::1", "localhost"):
        return {}
    return get_environ_proxies(url)


@dataclass(frozen=True, slots=True)
class HttpsSettings:
    """How hosts are reached; timeouts are in seconds, and short, since a sender waits meanwhile.

    `read_timeout` is for each part of an answer, `answer_timeout` for the whole.
    `certificates` is a file of trusted certificates that replaces the public authorities.
    """

    find_proxies: Callable[[str], Mapping[str, str]] = no_proxies
    certificates: str | None = None
    connect_timeout: float = 2.0
    read_timeout: float = 3.0
    answer_timeout: float = 5.0


def https_get(url: str, settings: HttpsSettings, headers: Mapping[str, str] = _NONE) -> bytes:
    """Return the body at a URL. Raises FetchFailed."""
    status, body = _exchange(requests.Request("GET", url, {**_HEADERS, **headers}), settings)
    if status != HTTPStatus.OK:
        raise FetchFailed(
            say("%(host)s: status %(status)s", host=urlsplit(url).hostname, status=status)
        )
    return body


def https_post(
    url: str, headers: Mapping[str, str], body: str, settings: HttpsSettings
) -> tuple[int, bytes]:
    """Return the status and the body of the answer, whatever the status. Raises FetchFailed."""
    request = requests.Request("POST", url, {**_HEADERS, **headers}, data=body)
    return _exchange(request, settings)


def _exchange(request: requests.Request, settings: HttpsSettings) -> tuple[int, bytes]:
    host = urlsplit(request.url).hostname
    if not request.url.startswith("https://"):
        raise FetchFailed(say("%(host)s: only https is fetched", host=host))
    try:
        with (
            closing(DeadlineAdapter(settings.answer_timeout, max_retries=0)) as adapter,
            _send(adapter, request, settings) as response,
        ):
            return response.status_code, _read_body(response.raw, host)
    except (OSError, urllib3.exceptions.HTTPError) as exc:
        # Without the cause, which quotes the whole URL: that of a confirmation contains a token.
        raise FetchFailed(say("%(host)s: %(reason)s", host=host, reason=_describe(exc))) from None


def _send(
    adapter: DeadlineAdapter, request: requests.Request, settings: HttpsSettings
) -> requests.Response:
    """Return the response, its body unread.

    Sent without a session, which would follow redirects and read the environment.
    """
    return adapter.send(
        request.prepare(),
        stream=True,
        timeout=(settings.connect_timeout, settings.read_timeout),
        verify=settings.certificates or True,
        proxies=dict(settings.find_proxies(request.url)),
    )


def _read_body(raw: urllib3.HTTPResponse, host: str | None) -> bytes:
    """Return the body. Raises FetchFailed when it is too large."""
    body = bytearray()
    while chunk := raw.read(_CHUNK, decode_content=False):
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise FetchFailed(
                say(
                    "%(host)s: the answer is larger than %(limit)s bytes",
                    host=host,
                    limit=str(MAX_BODY_BYTES),
                )
            )
    return bytes(body)


def _describe(exc: Exception) -> str:
    if isinstance(exc, requests.Timeout | urllib3.exceptions.TimeoutError):
        return say("no answer in time")
    if isinstance(exc, requests.exceptions.SSLError):
        return say("no TLS connection")
    return say("no connection, or it broke")
