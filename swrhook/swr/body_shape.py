"""Describes the shape of a body: its members and types, without any value."""

from collections.abc import Mapping

from swrhook.senders.payload import Json
from swrhook.swr.response import SwrResponse

_MOST_MEMBERS = 12
_LONGEST_NAME = 40
_DEEPEST = 5
_LONGEST_SHAPE = 400
_TYPES = {type(None): "null", bool: "boolean", str: "string", int: "number", float: "number"}


def body_shape(response: SwrResponse) -> str:
    """Return the shape of a response's body, such as `[string, 2 of them]` or `empty`."""
    if not response.body.strip():
        return "empty"
    content = response.json_or_none()
    if content is None and response.body.strip() != b"null":
        kind = response.headers.get("content-type", "no content type").partition(";")[0]
        printable = "".join(character for character in kind if character.isprintable())
        return f"not JSON ({printable[:_LONGEST_NAME]}), {len(response.body)} bytes"
    shape = _shape(content, _DEEPEST)
    return shape if len(shape) <= _LONGEST_SHAPE else shape[:_LONGEST_SHAPE] + "…"


def _shape(content: Json, depth: int) -> str:
    if isinstance(content, Mapping):
        members = [
            f"{_name(name)}: {_shape(value, depth - 1)}"
            for name, value in list(content.items())[:_MOST_MEMBERS]
        ]
        more = ["…"] if len(content) > _MOST_MEMBERS else []
        return "{" + (", ".join([*members, *more]) if depth else "…") + "}"
    if isinstance(content, list):
        if not content:
            return "[]"
        count = "" if len(content) == 1 else f", {len(content)} of them"
        return f"[{_shape(content[0], depth - 1) if depth else '…'}{count}]"
    return _TYPES[type(content)]


def _name(name: str) -> str:
    return "".join(character for character in name if character.isprintable())[:_LONGEST_NAME]
