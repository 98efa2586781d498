"""Read senders' JSON. Any bytes give a document or Undecodable, never another exception.

Dialects read the document with these functions. Each returns None, or an empty value, for a member
that is missing or of the wrong type: senders choose what they send, and one odd element must not
spoil its siblings. A dialect quotes values in its reasons with `quote`.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import NoneType
from typing import Any, TypeAlias
from urllib.parse import unquote_to_bytes

from swrhook.errors import Ignored, TooComplex, Undecodable, UnknownShape
from swrhook.model import Announcement, Reading
from swrhook.swr_names import is_digest
from swrhook.wording.message import say

Json: TypeAlias = Any  # any JSON value: Python has no useful type for it

MAX_TEXT_LENGTH = 1024
MAX_QUOTE_LENGTH = 120
MAX_REASONS = 5
MAX_SKIPPED_REASONS = 20
MAX_INTEGER = 1 << 63
# Python's JSON parser recurses: deep nesting raises RecursionError, or exhausts the C stack.
MAX_DEPTH = 100
# A Python object takes far more memory than the two bytes of JSON that it may come from.
MAX_VALUES = 200_000
FORM_FIELD = b"payload="

_TYPE_NAMES: Mapping[type, str] = {
    NoneType: say("null"),
    bool: say("a boolean"),
    int: say("a number"),
    float: say("a number"),
    str: say("a string"),
    list: say("an array"),
}
_OBJECT = say("an object")
# UTF-8 cannot encode a lone surrogate, and PostgreSQL's text type cannot hold NUL.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
# An unclosed string extends to the end. Otherwise the search would restart at each `"` in it,
# which takes quadratic time.
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[\[\]{},]', re.DOTALL)
_DEPTH = {"[": 1, "{": 1, "]": -1, "}": -1}


@dataclass(frozen=True, slots=True)
class Reference:
    """The parts of an image reference as the sender wrote them; a missing part is empty."""

    host: str
    name: str
    tag: str
    digest: str


@dataclass(frozen=True, slots=True)
class CloudEvent:
    """The attributes of a CloudEvent that dialects use, and its data."""

    type: str
    id: str | None
    at: datetime | None
    subject: str | None
    data: Json


def decode(body: bytes) -> Json:
    """Return the JSON document in `body`. Raises Undecodable, or its subclass TooComplex."""
    try:
        document = body.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise Undecodable(
            say("the body is not UTF-8 (byte %(offset)s)", offset=str(exc.start))
        ) from None
    _check_size(document)
    try:
        return json.loads(document, parse_constant=_refuse_constant, object_hook=_yield_object)
    except json.JSONDecodeError as exc:
        message = say(
            "the body is not JSON: %(reason)s at line %(line)s, column %(column)s",
            reason=exc.msg,
            line=str(exc.lineno),
            column=str(exc.colno),
        )
        raise Undecodable(message) from None
    except ValueError as exc:  # NaN, or an integer with thousands of digits
        raise Undecodable(say("the body is not JSON: %(reason)s", reason=str(exc))) from None


def decode_form(body: bytes) -> Json:
    """Return the JSON document in `body`, or in its form field `payload`. Raises Undecodable.

    GitHub, Gitea and Forgejo send one or the other, depending on the webhook's settings.
    """
    # The body decides, not the Content-Type: no JSON document begins with `payload=`.
    if body.startswith(FORM_FIELD):
        field = body.removeprefix(FORM_FIELD).partition(b"&")[0]
        return decode(unquote_to_bytes(field.replace(b"+", b" ")))
    return decode(body)


def get(document: Json, *path: str) -> Json:
    """Return the value at `path`, or None."""
    for key in path:
        if not isinstance(document, dict):  # isinstance(…, Mapping) is much slower
            return None
        document = document.get(key)
    return document


def text(document: Json, *path: str) -> str | None:
    """Return the string at `path`; None if it is empty, too long or cannot be stored."""
    value = get(document, *path)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT_LENGTH:
        return None
    return None if _UNSTORABLE.search(value) else value


def require(document: Json, *path: str) -> str:
    """Return the string at `path`. Raises UnknownShape if there is none."""
    value = text(document, *path)
    if value is None:
        raise UnknownShape(say("the body has no `%(key)s`", key=".".join(path)))
    return value


def label(document: Json, *path: str) -> str | None:
    """Return the string at `path`, or the integer as text: some senders' ids are numbers."""
    value = get(document, *path)
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    return str(value) if is_integer and abs(value) < MAX_INTEGER else text(value)


def items(document: Json, *path: str) -> Sequence[Json]:
    """Return the array at `path`, or an empty one."""
    value = get(document, *path)
    return value if isinstance(value, list) else ()


def tag(document: Json, *path: str) -> str | None:
    """Return the tag at `path`; None if there is a digest in its place."""
    value = text(document, *path)
    return None if value is None or ":" in value else value


def digest(document: Json, *path: str) -> str | None:
    """Return the OCI digest at `path`; None if it is malformed."""
    value = text(document, *path)
    return value if value is not None and is_digest(value) else None


def timestamp(document: Json, *path: str) -> datetime | None:
    """Return the time at `path` in UTC. It may be RFC 3339 text or Unix seconds."""
    value = get(document, *path)
    try:
        if isinstance(value, str):
            parsed = datetime.fromisoformat(value)
            return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None


def parse_reference(image: str) -> Reference:
    """Split `[scheme://][host/]name[:tag][@digest]` without checking the parts. Takes any text.

    Like docker, it takes the first component for a host if it contains `.` or `:` or is
    `localhost`.
    """
    rest, _, digest_ = image.rpartition("://")[2].partition("@")
    first, slash, path = rest.partition("/")
    has_host = bool(slash) and (first == "localhost" or "." in first or ":" in first)
    name, _, tag_ = (path if has_host else rest).partition(":")
    return Reference(first if has_host else "", name, tag_, digest_)


def parse_cloud_event(headers: Mapping[str, str], document: Json) -> CloudEvent | None:
    """Return the CloudEvent in the body (structured mode) or headers (binary mode), or None."""
    structured = text(document, "specversion") is not None
    attributes, prefix = (document, "") if structured else (headers, "ce-")
    kind, id_, subject = (text(attributes, prefix + name) for name in ("type", "id", "subject"))
    if kind is None:
        return None
    data = get(document, "data") if structured else document
    return CloudEvent(kind, id_, timestamp(attributes, f"{prefix}time"), subject, data)


def quote(value: Json) -> str:
    """Return a value as a reason quotes it: short, on one line, and storable."""
    if isinstance(value, list | dict):
        return type_name(value)
    whole = value if isinstance(value, str) else json.dumps(value)
    clipped = whole if len(whole) <= MAX_QUOTE_LENGTH else f"{whole[:MAX_QUOTE_LENGTH]}…"
    return f'"{"".join(c if c.isprintable() else "�" for c in clipped)}"'


def type_name(value: object) -> str:
    """Return the name of a JSON value's type, with its article."""
    return _TYPE_NAMES.get(type(value), _OBJECT)


def cap_reasons(reasons: Iterable[str], most: int = MAX_REASONS) -> tuple[str, ...]:
    """Return the first `most` different reasons with their counts, and how many more there are."""
    counts = Counter(reasons)
    lines = [
        say("%(reason)s (%(count)s times)", reason=reason, count=n) if n > 1 else reason
        for reason, n in counts.items()
    ]
    more = len(lines) - most
    return (*lines[:most], say("and %(count)s more", count=more)) if more > 0 else tuple(lines)


def announce(
    name: str,
    tag: str | None,
    digest: str | None = None,
    event_id: str | None = None,
    pushed_at: datetime | None = None,
) -> Announcement | str:
    """Return the announcement of a push; the reason if it has no tag, or a digest in its place."""
    if not tag or ":" in tag:
        return say("%(name)s: a push without a tag", name=quote(name))
    return Announcement(name, tag, digest, event_id, pushed_at)


def to_reading(results: Iterable[Announcement | str]) -> Reading:
    """Return a Reading of the announcements, each once, and of the reasons for the parts skipped.

    The delivery's id is the event id of the first announcement. Raises Ignored with the reasons if
    nothing is announced.
    """
    parts = list(results)
    announcements = tuple(dict.fromkeys(part for part in parts if isinstance(part, Announcement)))
    reasons = [part for part in parts if isinstance(part, str)]
    if not announcements:
        raise Ignored(*cap_reasons(reasons or [say("no image is announced")]))
    skipped = cap_reasons(reasons, MAX_SKIPPED_REASONS)
    return Reading(announcements, skipped, external_id=announcements[0].event_id)


def _check_size(document: str) -> None:
    """Raise TooComplex for a document that would take much memory or stack, before it is parsed."""
    # Counting characters is fast and counts too many, never too few: most bodies pass here.
    if (
        _count_characters(document, "[{") <= MAX_DEPTH
        and _count_characters(document, "[{,") < MAX_VALUES
    ):
        return
    values, depth = 1, 0
    # A loop in Python, unlike one call for the whole document, lets other threads run.
    for token in _TOKEN.finditer(document):
        # Each value but the outermost follows a bracket or a comma.
        values += token[0] in "[{,"
        depth += _DEPTH.get(token[0], 0)
        if depth > MAX_DEPTH:
            raise TooComplex(
                say("the JSON is nested too deeply: over %(limit)s levels", limit=MAX_DEPTH)
            )
        if values > MAX_VALUES:
            raise TooComplex(say("the JSON holds more than %(limit)s values", limit=MAX_VALUES))


def _count_characters(document: str, characters: str) -> int:
    return sum(map(document.count, characters))


def _yield_object(json_object: dict[str, Json]) -> Json:
    """Return the object as it is. A function in Python lets other threads run before it."""
    return json_object


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON value")
