"""A running server's API, and its refusals in words. The token is never shown."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import click
import requests

DEFAULT_URL = "http://127.0.0.1:8080"
# Seconds to connect and to wait for an answer.
TIMEOUTS = (5.0, 60.0)

_DONE = frozenset({HTTPStatus.OK, HTTPStatus.ACCEPTED})
_POLLED = frozenset(
    {
        HTTPStatus.OK,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.CONFLICT,
        HTTPStatus.TOO_MANY_REQUESTS,
    }
)
# From here on, the answer is a proxy's: the server behind it is not there.
_BROKEN = HTTPStatus.BAD_GATEWAY
_DECLINED = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT})

Query = Mapping[str, str | int | Sequence[str] | None]
Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list; `next` is the cursor of the following one."""

    items: Sequence[Item]
    next: str | None


class _Bearer(requests.auth.AuthBase):
    """Sends the token; as an auth object, because requests prefers ~/.netrc to a mere header."""

    def __init__(self, token: str) -> None:
        self._header = f"Bearer {token}"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._header
        return request


class Declined(click.ClickException):
    """The server is well, but the object is not there or not in a state for this."""


class Unreachable(click.ClickException):
    """The server cannot be asked now; it may be in a moment."""


@dataclass(frozen=True, slots=True)
class Poll:
    """What a long poll was answered: its status, the syncs then, and words for an error."""

    status: HTTPStatus
    syncs: Sequence[Item]
    detail: str


@dataclass(frozen=True, slots=True)
class Client:
    """Asks one server. Every failure is a click exception: a line on stderr and exit 1."""

    url: str
    token: str = field(repr=False)
    session: requests.Session = field(default_factory=requests.Session)

    def page(self, path: str, query: Query) -> Page:
        """Return a page of a list."""
        answer = self._ask("GET", path, {name: value for name, value in query.items() if value})
        items, following = answer.get("items"), answer.get("next")
        if not isinstance(items, list):
            raise self._failed("the answer is no list: is this swrhook's address?")
        return Page(items, following)

    def pages(self, path: str, query: Query) -> Iterator[Page]:
        """Yield every page, following the cursor."""
        page = self.page(path, query)
        yield page
        while page.next is not None:
            page = self.page(path, {**query, "cursor": page.next})
            yield page

    def show(self, path: str, query: Query) -> Item:
        """Return one object."""
        return dict(self._ask("GET", path, {name: value for name, value in query.items() if value}))

    def post(self, path: str, body: Item | None = None) -> Item:
        """Change something and return it as it is now. Raises Declined when it cannot be done."""
        return dict(self._ask("POST", path, {}, body))

    def ask(self, path: str, question: Item) -> Item:
        """Ask something that is too long for a URL."""
        return dict(self._ask("POST", path, {}, question))

    def poll(self, path: str, query: Query, seconds: float) -> Poll:
        """Ask for something that may take so many seconds, and return what a long poll answers.

        Raises Unreachable when the server cannot be asked now.
        """
        given = {name: value for name, value in query.items() if value is not None}
        answer, content = self._request("GET", path, given, TIMEOUTS[1] + seconds)
        if answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE or answer.status_code >= _BROKEN:
            raise Unreachable(self._refused(answer, content).format_message())
        if answer.status_code not in _POLLED or not isinstance(content.get("syncs"), list):
            raise self._refused(answer, content)
        detail = str(content.get("detail", ""))
        return Poll(HTTPStatus(answer.status_code), content["syncs"], detail)

    def _ask(
        self, method: str, path: str, query: Query, body: Item | None = None
    ) -> Mapping[str, Any]:
        answer, content = self._request(method, path, query, TIMEOUTS[1], body)
        if answer.status_code not in _DONE:
            raise self._refused(answer, content)
        return content

    def _request(
        self, method: str, path: str, query: Query, patience: float, body: Item | None = None
    ) -> tuple[requests.Response, Mapping[str, Any]]:
        try:
            answer = self.session.request(
                method,
                self.url + path,
                params=dict(query),
                json=body,
                auth=_Bearer(self.token) if self.token else None,
                timeout=(TIMEOUTS[0], patience),
                allow_redirects=False,
            )
            content = answer.json() if _is_json(answer) else {}
        except requests.ConnectionError as exc:
            raise self._failed(f"cannot be reached: {_reason(exc)}", Unreachable) from exc
        except requests.Timeout as exc:
            raise self._failed(f"did not answer within {patience:.0f} s", Unreachable) from exc
        except (requests.RequestException, ValueError) as exc:
            raise self._failed(f"the request failed: {type(exc).__name__}") from exc
        return answer, content if isinstance(content, dict) else {}

    def _refused(
        self, answer: requests.Response, problem: Mapping[str, Any]
    ) -> click.ClickException:
        """Return what a refusal means for the person at the terminal."""
        reasons = problem.get("reasons") or [problem.get("detail") or answer.reason]
        text = "; ".join(str(reason) for reason in reasons)
        if answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY:
            return click.UsageError(text)
        if answer.status_code == HTTPStatus.UNAUTHORIZED:
            text = "SWRHOOK_TOKEN is not accepted" if self.token else "SWRHOOK_TOKEN is not set"
        if answer.is_redirect:
            text = (
                f"redirects to {answer.headers['Location']}: set SWRHOOK_URL to the final address"
            )
        if answer.request.method == "POST" and answer.status_code in _DECLINED:
            return Declined(text)
        return self._failed(f"{text} ({answer.status_code})")

    def _failed(
        self, text: str, kind: type[click.ClickException] = click.ClickException
    ) -> click.ClickException:
        return kind(f"{_shown(self.url)}: {text}")


def connect() -> Client:
    """Return a client as SWRHOOK_URL and SWRHOOK_TOKEN say."""
    environ = os.environ  # noqa: TID251  # a command is its own start
    url = (environ.get("SWRHOOK_URL") or DEFAULT_URL).rstrip("/")
    if not _is_address(url):
        raise click.UsageError("SWRHOOK_URL must be an address like http://127.0.0.1:8080")
    token = environ.get("SWRHOOK_TOKEN", "").strip()
    if not (token.isascii() and token.isprintable()):
        raise click.UsageError("SWRHOOK_TOKEN must be visible ASCII characters on one line")
    return Client(url, token)


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, half of an IPv6 address
        return False


def _is_json(answer: requests.Response) -> bool:
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip()
    return kind in {"application/json", "application/problem+json"}


def _reason(exc: requests.ConnectionError) -> str:
    """Return the innermost reason: requests wraps the system's words several times."""
    inner: BaseException = exc
    while inner.args and isinstance(inner.args[-1], BaseException):
        inner = inner.args[-1]
    reason = getattr(inner, "reason", inner)
    return re.sub(r"\[Errno -?[0-9]+\] ", "", str(reason)).rpartition(": ")[2]


def _shown(url: str) -> str:
    """Return the address without a password that may stand in it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
