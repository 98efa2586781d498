"""Client of a running server's API; turns every failure into a message for the terminal."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import click
import requests

DEFAULT_URL = "http://127.0.0.1:8080"
# Seconds to connect, and to wait for an answer.
TIMEOUTS = (5.0, 60.0)

_DONE = frozenset({HTTPStatus.OK, HTTPStatus.ACCEPTED})
# 502 and above come from a proxy whose server is not running, or from a server that stops.
_UNAVAILABLE = HTTPStatus.BAD_GATEWAY
_DECLINED = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT})

QueryValue = str | int | Sequence[str] | None
Query = Mapping[str, QueryValue]
Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Poll:
    """The answer to a long poll: its status, the syncs, and the message of an error."""

    status: int
    syncs: Sequence[Item]
    detail: str


class Declined(click.ClickException):
    """The server refused to change an object: it does not exist, or its state forbids it."""


class Unknown(click.ClickException):
    """The server knows no object with this id."""


class Unreachable(click.ClickException):
    """The server cannot be reached now; a later attempt may succeed."""


class UnexpectedAnswer(click.ClickException):
    """The server's answer lacks members that the command reads, or they are of another kind."""

    def __init__(self, cause: Exception) -> None:
        """Name what could not be read."""
        super().__init__(
            f"the server's answer is not as expected ({cause!r}): is this the address of swrhook,"
            " and is it of this version?"
        )


@dataclass(frozen=True, slots=True)
class Client:
    """Client of one server. Every failure is a ClickException: a line on stderr, exit code 1."""

    url: str
    token: str = field(repr=False)
    session: requests.Session = field(default_factory=requests.Session)

    def page(self, path: str, query: Query) -> Item:
        """Return a page of a list: its `items`, and as `next` the cursor of the next page."""
        page = self.show(path, query)
        if not isinstance(page.get("items"), list):
            raise self._error("the answer is not a list: is this the address of swrhook?")
        return {"next": None, **page}

    def show(self, path: str, query: Query | None = None) -> Item:
        """Return one object. Parameters of the query that are None are left out.

        Raises Unknown if there is no such object, and Unreachable.
        """
        return self._send("GET", path, query)

    def post(self, path: str, body: Item | None = None) -> Item:
        """Post a body and return the answer; members that are None are left out.

        Raises Declined if the object cannot be changed.
        """
        members = body and {name: value for name, value in body.items() if value is not None}
        return self._send("POST", path, body=members)

    def poll(self, path: str, query: Query, seconds: float) -> Poll:
        """Send a long poll, which the server may answer only after this many seconds.

        Raises Unreachable if the server cannot be reached now.
        """
        response, content = self._request("GET", path, query, None, seconds)
        if response.status_code >= _UNAVAILABLE:
            raise self._refusal(response, content)
        # Every end of a long poll has the syncs, also 404, 408, 409 and 429.
        if not isinstance(content.get("syncs"), list):
            raise self._refusal(response, content)
        return Poll(response.status_code, content["syncs"], str(content.get("detail", "")))

    def _send(
        self, method: str, path: str, query: Query | None = None, body: Item | None = None
    ) -> Item:
        response, content = self._request(method, path, query, body)
        if response.status_code not in _DONE:
            raise self._refusal(response, content)
        return content

    def _request(
        self, method: str, path: str, query: Query | None, body: Item | None, seconds: float = 0
    ) -> tuple[requests.Response, Item]:
        """Return the response and, if it is a JSON object, its content."""
        timeout = TIMEOUTS[1] + seconds
        try:
            response = self.session.request(
                method,
                self.url + path,
                params=query,
                json=body,
                # Not as a header, to which requests prefers the user's ~/.netrc.
                auth=self._authenticate if self.token else None,
                timeout=(TIMEOUTS[0], timeout),
                # A redirect to another host must not receive the token.
                allow_redirects=False,
            )
            content = response.json() if _is_json(response) else {}
        except requests.ConnectionError as exc:
            advice = "start the service there, or set SWRHOOK_URL"
            raise self._error(f"cannot be reached: {_reason(exc)}; {advice}", Unreachable) from exc
        except requests.Timeout as exc:
            raise self._error(f"did not answer within {timeout:.0f} s", Unreachable) from exc
        except (requests.RequestException, ValueError) as exc:
            raise self._error(f"the request failed: {type(exc).__name__}") from exc
        return response, content if isinstance(content, dict) else {}

    def _authenticate(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request

    def _refusal(self, response: requests.Response, problem: Item) -> click.ClickException:
        """Return the exception for a response that is an error or a redirect."""
        status = response.status_code
        text = self._explain(response, problem)
        if status == HTTPStatus.UNPROCESSABLE_ENTITY:
            return click.UsageError(text)
        if response.request.method == "POST" and status in _DECLINED:
            return Declined(text)
        if status == HTTPStatus.NOT_FOUND and "detail" in problem:
            return Unknown(text)
        kind = Unreachable if status >= _UNAVAILABLE else click.ClickException
        return self._error(f"{text} ({status})", kind)

    def _explain(self, response: requests.Response, problem: Item) -> str:
        """Return what is wrong, and what to do."""
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            state = "accepted" if self.token else "set"
            return (
                f"SWRHOOK_TOKEN is not {state}: it must be a token under access.tokens in"
                " the server's configuration"
            )
        if response.is_redirect:
            location = response.headers["Location"]
            return f"redirects to {location}: set SWRHOOK_URL to the final address"
        if response.status_code == HTTPStatus.NOT_FOUND and "detail" not in problem:
            return f"{response.reason}, is this the address of swrhook?"
        reasons = problem.get("reasons") or [problem.get("detail") or response.reason]
        return "; ".join(str(reason) for reason in reasons)

    def _error(
        self, text: str, kind: type[click.ClickException] = click.ClickException
    ) -> click.ClickException:
        return kind(f"{_hide_password(self.url)}: {text}")


def connect() -> Client:
    """Return a client for SWRHOOK_URL and SWRHOOK_TOKEN. Raises UsageError if one is unusable."""
    environ = os.environ  # noqa: TID251  # a command reads the environment itself
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
    except ValueError:  # a port that is not a number, half of an IPv6 address
        return False


def _is_json(response: requests.Response) -> bool:
    media_type = response.headers.get("Content-Type", "").partition(";")[0].strip()
    return media_type in {"application/json", "application/problem+json"}


def _reason(exc: requests.ConnectionError) -> str:
    """Return the operating system's message, which requests and urllib3 wrap several times."""
    inner: BaseException = exc
    while inner.args and isinstance(inner.args[-1], BaseException):
        inner = inner.args[-1]
    reason = getattr(inner, "reason", inner)
    return re.sub(r"\[Errno -?[0-9]+\] ", "", str(reason)).rpartition(": ")[2]


def _hide_password(url: str) -> str:
    """Return the address without user and password."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
