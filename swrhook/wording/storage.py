"""Messages in the ledger: beside the English texts, what they were made of.

A text without values needs nothing: it is the sentence by which the catalogues know it.
"""

import json
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from swrhook.wording.message import Message, join_parts, say, split_parts

_Stored: TypeAlias = str | int | list["_Stored"] | dict[str, "_Stored"]


def encode(texts: Iterable[str | None]) -> str | None:
    """Return what the messages among the texts were made of, as JSON; None if there is nothing."""
    made_of = [_to_json(text) for text in texts if isinstance(text, Message) and text.values]
    return json.dumps(made_of, ensure_ascii=False, separators=(",", ":")) if made_of else None


def decode(encoded: str | None) -> Mapping[str, Message]:
    """Return the messages by their English text. What cannot be read is left out."""
    try:
        stored = [_to_message(item) for item in json.loads(encoded or "[]")]
    except (ValueError, TypeError, KeyError):
        return {}
    return {str(message): message for message in stored}


def restore(text: str, messages: Mapping[str, Message]) -> str:
    """Return the message of a stored text.

    The text decides: a program that does not know the column may have written another one since.
    """
    if isinstance(text, Message) or not text:
        return text
    return messages.get(text) or say(text)


def restore_parts(text: str | None, encoded: str | None) -> str | None:
    """Return the message of a stored text that `join_parts` made, None if there is none."""
    messages = decode(encoded)
    if text is not None and text in messages:  # it is one, although it may have a semicolon
        return messages[text]
    return join_parts(restore(part, messages) for part in split_parts(text or "")) or None


def restore_optional(text: str | None, messages: Mapping[str, Message]) -> str | None:
    """Return the message of a stored text, None if there is none."""
    return None if text is None else restore(text, messages)


def restore_note(text: str) -> str:
    """Return the message of a stored text that may begin with the place it is about, `place: …`."""
    place, colon, rest = text.partition(": ")
    if not colon or " " in place:
        return restore(text, {})
    return say("%(place)s: %(note)s", place=place, note=restore_parts(rest, None))


def _to_json(value: object) -> _Stored:
    if isinstance(value, Message):
        values = {name: _to_json(inner) for name, inner in value.values.items()}
        return [value.sentence, value.plural, values]
    return value if type(value) is int else str(value)


def _to_message(item: list[object]) -> Message:
    sentence, plural, values = item
    if not (isinstance(sentence, str) and isinstance(plural, str) and isinstance(values, dict)):
        raise TypeError
    made_of = {
        name: _to_message(value) if isinstance(value, list) else value
        for name, value in values.items()
    }
    return Message(sentence, plural, made_of)
