"""HTTP responses of SWR, its gateway, IAM or a proxy, and the errors that they report.

Errors come in several shapes: SWR's array of objects ("Error Codes", SWR API reference), the
same under `errors` or as a single object (both parsed by the vendor's Terraform provider), the
gateway's and IAM's `error_code`, Keystone's `error`, a plain list of failed tags from
sync_images, a proxy's HTML, and an empty body. Every sequence of bytes gives an SwrError.
"""

import http.client
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from swrhook.errors import Kind, SwrError, Undecodable
from swrhook.senders.payload import Json, decode
from swrhook.swr.error_codes import classify, describe
from swrhook.swr.redaction import scrub
from swrhook.wording.message import Message, say

MAX_MESSAGE_LENGTH = 300
# In seconds. A longer Retry-After is taken for a mistake: it would stop a lane for too long.
MAX_RETRY_AFTER = 3600.0
# Secrets are removed before a message is shortened, for a part of one would not be recognized.
# They may be as long as a token (32 KiB).
_MAX_SCRUBBED_LENGTH = 64 * 1024

_CODE = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,9}", re.ASCII)
_MARKUP = re.compile(r"<[^<>]*>")
_TITLE = re.compile(r"<title>([^<]*)</title>", re.IGNORECASE)
_CODE_MEMBERS = ("errorCode", "error_code", "code")
_MESSAGE_MEMBERS = ("errorMessage", "error_msg", "errorMsg", "message", "error", "detail")
_REQUEST_ID_MEMBERS = ("request_id", "requestId")


@dataclass(frozen=True, slots=True)
class SwrResponse:
    """One HTTP response; header names are in lower case. `secrets` must not show in any error."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    received_at: datetime
    secrets: Sequence[str] = field(default=(), repr=False)

    @property
    def ok(self) -> bool:
        """Tell whether the status is a 2xx."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def clock_ahead(self) -> timedelta | None:
        """Return how far the server's clock is ahead of ours by its Date header, if it sent one."""
        date = _parse_date(self.headers.get("date", ""))
        return None if date is None else date - self.received_at

    def json_or_none(self) -> Json:
        """Return the JSON in the body, whatever the status; None when it is not JSON."""
        try:
            return decode(self.body)
        except Undecodable:
            return None


def decode_json(response: SwrResponse) -> Json:
    """Return the JSON of a 2xx. Raises SwrError for another status, and when it is not JSON."""
    if not response.ok:
        raise read_error(response)
    try:
        return decode(response.body)
    except Undecodable as exc:
        raise malformed_response(response, exc.text) from None


def malformed_response(response: SwrResponse, reason: str) -> SwrError:
    """Return the error for a response that is not what the documentation promises."""
    line = one_line(scrub(reason, response.secrets))
    reason = reason if line == reason else line  # a message stays one
    text = say("HTTP %(status)s, but %(reason)s", status=str(response.status), reason=reason)
    message = _add_request(text, _request_id(response))
    remedy = say("if it persists, check the endpoint in swr, and any proxy in between")
    return SwrError(Kind.TRANSIENT, "protocol", message, remedy=remedy)


def read_error(response: SwrResponse, tags: Collection[str] = ()) -> SwrError:
    """Return the error that a response with an error status reports.

    `tags` are the requested ones, of which the response may list some as failed.
    """
    content = response.json_or_none()
    failed = _failed_tags(content, tags)
    code = read_code(response)
    kind, remedy = classify(code, response.status)
    request = _request_id(response, content)
    message: str
    if failed:
        message = say("SWR reports failed tags: %(tags)s", tags=one_line(", ".join(sorted(failed))))
    else:
        message = _describe(describe(code), _read_message(response, content))
    message = _add_request(message, request)
    wait = _retry_after(response)
    return SwrError(kind, code, message, remedy=remedy, retry_after=wait, failed_tags=failed)


def read_code(response: SwrResponse) -> str:
    """Return the code of an error, or one that stands for the status if it has none."""
    code = _read_code(response.json_or_none(), _CODE_MEMBERS, response)
    return code or f"HTTP.{response.status}"


def _describe(description: str, message: str) -> str:
    """Return what a code means, and what the response itself says: a translation quotes that."""
    line = message if isinstance(message, Message) else say("%(answer)s", answer=one_line(message))
    if not (description and message):
        return description or line
    return say("%(description)s: %(message)s", description=description, message=line)


def _add_request(message: str, request: str) -> str:
    if not request:
        return message
    return say("%(message)s (request %(request)s)", message=message, request=request)


def read_error_in_success(response: SwrResponse, content: Json) -> SwrError | None:
    """Return the error that the JSON of a 2xx reports, or None when it reports none."""
    code = _read_code(content, ("errorCode", "error_code"), response)
    return read_error(response) if code else None


def one_line(message: str) -> str:
    """Return a message as one printable line of limited length."""
    line = _printable(message)
    return line[:MAX_MESSAGE_LENGTH] + "…" if len(line) > MAX_MESSAGE_LENGTH else line


def _failed_tags(content: Json, tags: Collection[str]) -> frozenset[str]:
    """Return which of the tags a plain list contains; without any of them, all have failed."""
    if not isinstance(content, list) or not all(isinstance(item, str) for item in content):
        return frozenset()
    return frozenset(content) & frozenset(tags)


def _error_objects(content: Json) -> Sequence[Mapping[str, Json]]:
    """Return the objects that may hold code and message, the innermost first."""
    outer = [content] if isinstance(content, dict) else []
    inner = next((v for o in outer for k in ("errors", "error") if (v := o.get(k))), content)
    elements = inner if isinstance(inner, list) else [inner]
    return [*[item for item in elements if isinstance(item, dict)][:1], *outer]


def _first_text(content: Json, names: Sequence[str]) -> str:
    """Return the first visible text under one of these names, or an empty one."""
    values = (item.get(name) for item in _error_objects(content) for name in names)
    return next((value for value in values if isinstance(value, str) and _is_visible(value)), "")


def _read_code(content: Json, names: Sequence[str], response: SwrResponse) -> str:
    """Return the code under one of these names; empty when it has not the form of a code."""
    code = _first_text(content, names)
    return code if _CODE.fullmatch(code) and code == scrub(code, response.secrets) else ""


def _read_message(response: SwrResponse, content: Json) -> str:
    """Return the service's own message without secrets; never an empty one."""
    if HTTPStatus.MULTIPLE_CHOICES <= response.status < HTTPStatus.BAD_REQUEST:
        host = scrub(_redirect_host(response), response.secrets)
        return say("redirected to %(host)s, which is not followed", host=one_line(host))
    message = _first_text(content, _MESSAGE_MEMBERS)[:_MAX_SCRUBBED_LENGTH]
    if not message and content is None:
        message = response.body[:_MAX_SCRUBBED_LENGTH].decode("utf-8", "replace")
        # Scrubbed before the markup goes, too: a secret may contain angle brackets.
        message = _text_of_page(scrub(message, response.secrets))
    # Control characters are stripped first: a body of nothing else must not leave it empty.
    phrase = http.client.responses.get(response.status, f"status {response.status}")
    return _printable(scrub(message, response.secrets)) or phrase


def _text_of_page(page: str) -> str:
    """Return the text of an HTML page; its title only if the rest does not repeat it."""
    title = _TITLE.search(page)
    if title is not None and title[1] in page[title.end() :]:
        page = page[: title.start()] + page[title.end() :]
    return _MARKUP.sub(" ", page)


def _printable(text: str) -> str:
    """Return a text with control characters and runs of space as single spaces."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _is_visible(text: str) -> bool:
    """Tell whether anything is left of a text when control characters and space are stripped."""
    return any(c.isprintable() and not c.isspace() for c in text)


def _request_id(response: SwrResponse, content: Json = None) -> str:
    """Return the id by which the vendor's support finds the request, or an empty text."""
    header = {"request_id": response.headers.get("x-request-id", "")}
    return _read_code(header, _REQUEST_ID_MEMBERS, response) or _read_code(
        content, _REQUEST_ID_MEMBERS, response
    )


def _redirect_host(response: SwrResponse) -> str:
    """Return the host that a redirect names, without the path, which may hold a secret."""
    try:
        host = urlsplit(response.headers.get("location", "")).hostname
    except ValueError:
        host = None
    return host[:MAX_MESSAGE_LENGTH] if host else "another place on the same host"


def _retry_after(response: SwrResponse) -> float | None:
    """Return the Retry-After header in seconds; it holds seconds or a date (RFC 9110, 10.2.3)."""
    value = response.headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(value):
        return min(float(value), MAX_RETRY_AFTER)
    until = _parse_date(value)
    if until is None:
        return None
    seconds = (until - response.received_at).total_seconds()
    return min(max(seconds, 0.0), MAX_RETRY_AFTER)


def _parse_date(value: str) -> datetime | None:
    """Return the time in a header, or None when it holds no date."""
    try:
        date = parsedate_to_datetime(value.strip())
        return date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
