"""An answer as it came off the wire, and what SWR, its gateway, IAM or a proxy reports in it.

Errors come in several shapes: SWR's array of objects («Error Codes», SWR API reference), the
same under `errors` or as a single object (both parsed by the vendor's Terraform provider), the
gateway's and IAM's `error_code`, Keystone's `error`, sync_images' plain list of failed tags, a
proxy's HTML, and nothing at all. Reading is total: whatever the bytes, an SwrError comes out.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from swrhook.errors import Kind, SwrError, Undecodable
from swrhook.senders.payload import decode
from swrhook.swr.error_codes import classify, describe
from swrhook.swr.redaction import scrub

MAX_MESSAGE_LENGTH = 300
# A longer wait would be a mistake, and keep a lane asleep.
MAX_RETRY_AFTER = 3600.0
# A secret may be as long as a token (32 KiB); cut any sooner, a part of one would not be found.
_READ_OF_MESSAGE = 64 * 1024

_CODE = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,9}", re.ASCII)
_MARKUP = re.compile(r"<[^<>]*>")
_CODES = ("errorCode", "error_code", "code")
_MESSAGES = ("errorMessage", "error_msg", "errorMsg", "message", "error", "detail")
_REQUEST_IDS = ("request_id", "requestId")


@dataclass(frozen=True, slots=True)
class SwrResponse:
    """One HTTP answer; header names in lower case. `secrets` must not appear in any error."""

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
        """Return how far the sender's clock is ahead of ours, by its Date; None without one."""
        told = _date(self.headers.get("date", ""))
        return None if told is None else told - self.received_at


def decode_json(answer: SwrResponse) -> Any:  # noqa: ANN401  # JSON has no better type
    """Return the JSON in a successful answer. Raises SwrError when there is none."""
    try:
        return decode(answer.body)
    except Undecodable as exc:
        raise malformed_response(answer, str(exc)) from None


def malformed_response(answer: SwrResponse, reason: str) -> SwrError:
    """Return the error for an answer that is not what the documentation says."""
    return SwrError(
        Kind.TRANSIENT,
        "protocol",
        one_line(f"HTTP {answer.status}, but {scrub(reason, answer.secrets)}", _request_id(answer)),
        remedy="if it persists, check the endpoint in swr, and any proxy in between",
    )


def read_error(answer: SwrResponse, tags: Collection[str] = ()) -> SwrError:
    """Return what an answer that is no success reports; `tags` are those that were asked for."""
    return _failure(answer, _json(answer), tags)


def read_error_in_success(answer: SwrResponse, found: Any) -> SwrError | None:  # noqa: ANN401  # JSON
    """Return the error that a 2xx carries in its JSON, if it carries one."""
    code = _code(found, ("errorCode", "error_code"), answer)
    return _failure(answer, found, ()) if code else None


def _failure(answer: SwrResponse, found: Any, tags: Collection[str]) -> SwrError:  # noqa: ANN401
    named = _failed_tags(found, tags)
    code = _code(found, _CODES, answer) or f"HTTP.{answer.status}"
    kind, remedy = classify(code, answer.status)
    if named:
        message = f"SWR reports failed tags: {', '.join(sorted(named))}"
    else:
        message = ": ".join(filter(None, (describe(code), _message(answer, found))))
    return SwrError(
        kind,
        code,
        one_line(message, _request_id(answer, found)),
        remedy=remedy,
        retry_after=_retry_after(answer),
        failed_tags=named,
    )


def _json(answer: SwrResponse) -> Any:  # noqa: ANN401
    """Return the JSON in the answer, or None."""
    try:
        return decode(answer.body)
    except Undecodable:
        return None


def _failed_tags(found: Any, tags: Collection[str]) -> frozenset[str]:  # noqa: ANN401
    """Return which of our tags a plain list names; a list that names none speaks of all."""
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        return frozenset()
    return frozenset(found) & frozenset(tags)


def _reports(found: Any) -> Sequence[Mapping[str, Any]]:  # noqa: ANN401
    """Return the objects that may hold code and message, the innermost first."""
    outer = [found] if isinstance(found, dict) else []
    inner = next((v for o in outer for k in ("errors", "error") if (v := o.get(k))), found)
    elements = inner if isinstance(inner, list) else [inner]
    return [*[item for item in elements if isinstance(item, dict)][:1], *outer]


def _first(found: Any, names: Sequence[str]) -> str:  # noqa: ANN401
    """Return the first text under one of these names, or an empty one."""
    values = (report.get(name) for report in _reports(found) for name in names)
    return next((value for value in values if isinstance(value, str) and _is_visible(value)), "")


def _code(found: Any, names: Sequence[str], answer: SwrResponse) -> str:  # noqa: ANN401
    """Return the code, or nothing when what stands there cannot be one."""
    code = _first(found, names)
    return code if _CODE.fullmatch(code) and code == scrub(code, answer.secrets) else ""


def _message(answer: SwrResponse, found: Any) -> str:  # noqa: ANN401
    """Return the answer's own words, free of secrets."""
    if HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:
        return f"redirected to {scrub(_host(answer), answer.secrets)}, which is not followed"
    message = _first(found, _MESSAGES)[:_READ_OF_MESSAGE]
    if not message and found is None:
        message = answer.body[:_READ_OF_MESSAGE].decode("utf-8", "replace")
        message = _MARKUP.sub(" ", scrub(message, answer.secrets))
    # Control characters are stripped first: a body of nothing else must not leave it empty.
    return _printable(scrub(message, answer.secrets)) or _phrase(answer.status)


def one_line(message: str, request_id: str = "") -> str:
    """Return a message on one printable line, not too long, with the request's id."""
    line = _printable(message)
    if len(line) > MAX_MESSAGE_LENGTH:
        line = line[:MAX_MESSAGE_LENGTH] + "…"
    return f"{line} (request {request_id})" if request_id else line


def _printable(text: str) -> str:
    """Return a text with control characters and runs of space as single spaces."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _is_visible(text: str) -> bool:
    """Tell whether anything is left of a text when control characters and space are stripped."""
    return any(c.isprintable() and not c.isspace() for c in text)


def _request_id(answer: SwrResponse, found: Any = None) -> str:  # noqa: ANN401
    """Return the id under which the vendor's support finds the request, or nothing."""
    header = {"request_id": answer.headers.get("x-request-id", "")}
    return _code(header, _REQUEST_IDS, answer) or _code(found, _REQUEST_IDS, answer)


def _host(answer: SwrResponse) -> str:
    """Return the host that a redirection names; never the path, which may hold a secret."""
    try:
        host = urlsplit(answer.headers.get("location", "")).hostname
    except ValueError:
        host = None
    return host[:MAX_MESSAGE_LENGTH] if host else "another place on the same host"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"status {status}"


def _retry_after(answer: SwrResponse) -> float | None:
    """Return the seconds of a Retry-After header, which holds seconds or a date."""
    value = answer.headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(value):
        return min(float(value), MAX_RETRY_AFTER)
    until = _date(value)
    if until is None:
        return None
    wait = (until - answer.received_at).total_seconds()
    return min(max(wait, 0.0), MAX_RETRY_AFTER)


def _date(value: str) -> datetime | None:
    """Return the time in a header, or None when it holds none."""
    try:
        found = parsedate_to_datetime(value.strip())
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
