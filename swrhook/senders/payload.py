"""Senders' JSON: the only reader of it, total for any bytes.

Dialects reach into the document with these functions. Each returns None, or an empty value, for
what is not there or is of another type: a payload's shape is the sender's affair, and one odd
element must not spoil its siblings. What a dialect quotes in a reason goes through `shown`.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import NoneType
from typing import Any
from urllib.parse import unquote_to_bytes

from swrhook.errors import Ignored, Undecodable
from swrhook.model import Announcement, Reading
from swrhook.swr_names import is_digest

LONGEST_TEXT = 1024
LONGEST_QUOTE = 120
MOST_REASONS = 5
MOST_SKIPPED = 20
DEEPEST = 100
MOST_VALUES = 200_000
FORM_FIELD = b"payload="

_KINDS: Mapping[type, str] = {
    NoneType: "null",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "an array",
}
# A lone surrogate is no UTF-8 and a NUL no PostgreSQL text.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
# One that is not closed reaches to the end, or each `"` in it would be a new start.
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")


@dataclass(frozen=True, slots=True)
class Reference:
    """The parts of an image reference, as they were written; empty where there is none."""

    host: str
    name: str
    tag: str
    digest: str


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """A CloudEvent: the attributes that are read here, and its data."""

    type: str
    id: str | None
    at: datetime | None
    subject: str | None
    data: Any


def decode(body: bytes) -> Any:  # noqa: ANN401  # JSON has no better type
    """Return the JSON document in `body`. Raises Undecodable, whatever the bytes."""
    try:
        document = body.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise Undecodable(f"the body is not UTF-8 (byte {exc.start})") from None
    _check_size(document)
    try:
        return json.loads(document, parse_constant=_refuse_constant)
    except json.JSONDecodeError as exc:
        message = f"the body is not JSON: {exc.msg} at line {exc.lineno}, column {exc.colno}"
        raise Undecodable(message) from None
    except ValueError as exc:  # NaN, or an integer of thousands of digits
        raise Undecodable(f"the body is not JSON: {exc}") from None


def decode_form(body: bytes) -> Any:  # noqa: ANN401
    """Return the JSON document in `body`, or in its form field `payload`. Raises Undecodable.

    Git forges send either, as the webhook is set up; no JSON begins like the field.
    """
    if body.startswith(FORM_FIELD):
        field = body.removeprefix(FORM_FIELD).partition(b"&")[0]
        return decode(unquote_to_bytes(field.replace(b"+", b" ")))
    return decode(body)


def at(document: Any, *path: str) -> Any:  # noqa: ANN401
    """Return what stands at `path`, or None."""
    for key in path:
        if not isinstance(document, dict):  # no Mapping: a class of its own answers slowly
            return None
        document = document.get(key)
    return document


def text(document: Any, *path: str) -> str | None:  # noqa: ANN401
    """Return the string at `path`; None when it is empty, too long or cannot be stored."""
    value = at(document, *path)
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_TEXT:
        return None
    return None if _UNSTORABLE.search(value) else value


def items(document: Any, *path: str) -> Sequence[Any]:  # noqa: ANN401
    """Return the array at `path`, or an empty one."""
    value = at(document, *path)
    return value if isinstance(value, list) else ()


def tag(document: Any, *path: str) -> str | None:  # noqa: ANN401
    """Return the tag at `path`; a digest in its place counts as not sent."""
    value = text(document, *path)
    return None if value is None or ":" in value else value


def digest(document: Any, *path: str) -> str | None:  # noqa: ANN401
    """Return the OCI digest at `path`; a malformed one counts as not sent."""
    value = text(document, *path)
    return value if value is not None and is_digest(value) else None


def moment(document: Any, *path: str) -> datetime | None:  # noqa: ANN401
    """Return the time at `path`, in UTC, from RFC 3339 text or Unix seconds."""
    value = at(document, *path)
    try:
        if isinstance(value, str):
            parsed = datetime.fromisoformat(value)
            return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None


def reference(image: str) -> Reference:
    """Split `[scheme://][host/]name[:tag][@digest]`, for any text, and check no part of it.

    As for docker, the first component is a host when it has a `.` or a `:` or is `localhost`.
    """
    rest, _, digest_ = image.rpartition("://")[2].partition("@")
    first, slash, path = rest.partition("/")
    has_host = bool(slash) and (first == "localhost" or "." in first or ":" in first)
    name, _, tag_ = (path if has_host else rest).partition(":")
    return Reference(first if has_host else "", name, tag_, digest_)


def cloud_event(headers: Mapping[str, str], document: Any) -> CloudEvent | None:  # noqa: ANN401
    """Return the event whose attributes are in the body, or else in the headers; None for none."""
    structured = text(document, "specversion") is not None
    attributes, prefix = (document, "") if structured else (headers, "ce-")
    kind, id_, subject = (text(attributes, prefix + name) for name in ("type", "id", "subject"))
    if kind is None:
        return None
    data = at(document, "data") if structured else document
    return CloudEvent(kind, id_, moment(attributes, f"{prefix}time"), subject, data)


def shown(value: Any) -> str:  # noqa: ANN401
    """Return a value as a reason may quote it: short, one line, storable."""
    if isinstance(value, list | dict):
        return kind_of(value)
    whole = value if isinstance(value, str) else json.dumps(value)
    clipped = whole if len(whole) <= LONGEST_QUOTE else f"{whole[:LONGEST_QUOTE]}…"
    return f"«{''.join(c if c.isprintable() else '�' for c in clipped)}»"


def kind_of(value: object) -> str:
    """Name a JSON value's type."""
    return _KINDS.get(type(value), "an object")


def capped(reasons: Iterable[str], most: int = MOST_REASONS) -> tuple[str, ...]:
    """Return each reason once with its count, the first `most` of them, and how many are left."""
    counts = Counter(reasons)
    lines = [f"{reason} ({n} times)" if n > 1 else reason for reason, n in counts.items()]
    left = len(lines) - most
    return (*lines[:most], f"and {left} more") if left > 0 else tuple(lines)


def reading(read: Iterable[Announcement | str], external_id: str | None = None) -> Reading:
    """Return the tags announced, each once, and the reasons (strings) for what was left out.

    Raises Ignored with the reasons when no tag is announced.
    """
    parts = list(read)
    announcements = dict.fromkeys(part for part in parts if isinstance(part, Announcement))
    reasons = [part for part in parts if isinstance(part, str)]
    if not announcements:
        raise Ignored("; ".join(capped(reasons)) or "no image is announced")
    return Reading(tuple(announcements), capped(reasons, MOST_SKIPPED), external_id)


def _check_size(document: str) -> None:
    """Refuse what would take much memory or stack, before any of it is built."""
    if _count(document, "[{") <= DEEPEST and _count(document, "[{,") < MOST_VALUES:
        return
    bare = _STRING.sub("", document)
    # A value is the first of all, or the first in a bracket, or stands behind a comma.
    if _count(bare, "[{,") >= MOST_VALUES:
        raise Undecodable(f"the JSON holds more than {MOST_VALUES} values")
    depth = 0
    for bracket in _BRACKET.finditer(bare):
        depth += 1 if bracket[0] in "[{" else -1
        if depth > DEEPEST:
            raise Undecodable(f"the JSON is nested too deeply: over {DEEPEST} levels")


def _count(document: str, characters: str) -> int:
    return sum(map(document.count, characters))


def _refuse_constant(name: str) -> None:
    message = f"{name} is not a JSON value"
    raise ValueError(message)
