"""Explain why a file is not YAML, without repeating any of its content.

PyYAML's own messages quote anchors, tag handles and characters, which may be part of a secret that
lacks its quotes. They are only matched here, not shown.
"""

import json
import re

import yaml
from yaml.reader import Reader

from swrhook.config.nodes import Position, position

MAX_FILE_SIZE = 4 * 1024 * 1024

NO_ANCHOR = 'no anchor of this name before it: text that starts with "*" needs quotes'
_INVALID = "this is not valid YAML: quote text that holds any of : # { } [ ] , & * ! | > % @ `"
# By a part of PyYAML's message. The order counts: the first match wins.
_EXPLANATIONS = {
    "mapping values are not allowed here": (
        '":" is not expected here: check the indentation, and quote text that holds ": "'
    ),
    "could not find expected ':'": 'a ":" is expected after a key',
    "expected <block end>": "the indentation does not fit the lines before",
    "sequence entries are not allowed here": 'a list item ("- ") is not expected here',
    "expected ',' or ']'": 'the list […] is not closed: "," or "]" is expected',
    "expected ',' or '}'": 'the mapping {…} is not closed: "," or "}" is expected',
    "found unexpected end of stream": "a quote is not closed",
    "found unknown escape character": (
        r'unknown escape after "\": write "\\" for a backslash, or use single quotes'
    ),
    "character '\\t' that cannot start": "a tab: indent with spaces",
    "character '%' that cannot start": 'text that starts with "%" needs quotes',
    "character '@' that cannot start": 'text that starts with "@" needs quotes',
    "character '`' that cannot start": 'text that starts with "`" needs quotes',
    "found undefined alias": NO_ANCHOR,
    "found duplicate anchor": (
        "this anchor is defined above already: give each anchor a name of its own"
    ),
    "expected a single document": 'a second document ("---"): only one is allowed',
    "while scanning an alias": 'an alias needs a name: text that starts with "*" needs quotes',
    "while scanning an anchor": 'an anchor needs a name: text that starts with "&" needs quotes',
}
_UTF_16_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")


class NotYaml(Exception):
    """The file cannot be read at all. The message says why."""

    def __init__(self, position: Position, message: str) -> None:
        """Keep the position beside the message."""
        super().__init__(message)
        self.position = position


def decode(content: bytes) -> str:
    """Return the text of a configuration file. Raises NotYaml when the bytes are not text."""
    if len(content) > MAX_FILE_SIZE:
        message = f"the file is larger than {MAX_FILE_SIZE // 1024 // 1024} MiB"
        raise NotYaml(Position(1, 1), message)
    if content.startswith(_UTF_16_BYTE_ORDER_MARKS):
        raise NotYaml(Position(1, 1), "the file is UTF-16: save it as UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        before = content[: exc.start].decode("utf-8-sig", "replace")
        raise NotYaml(
            _position_after(before), "this is not UTF-8: save the file as UTF-8"
        ) from None
    unprintable = Reader.NON_PRINTABLE.search(text)
    if unprintable is not None:
        message = f"the control character U+{ord(unprintable[0]):04X} is not allowed"
        raise NotYaml(_position_after(text[: unprintable.start()]), message)
    return _replace_json_tabs(text)


def explain(error: yaml.YAMLError) -> NotYaml:
    """Return the error with an explanation for people in place of PyYAML's message."""
    message = f"{getattr(error, 'context', '')}: {getattr(error, 'problem', '')}"
    explanations = (text for part, text in _EXPLANATIONS.items() if part in message)
    return NotYaml(position(getattr(error, "problem_mark", None)), next(explanations, _INVALID))


def _position_after(text: str) -> Position:
    return Position(text.count("\n") + 1, len(text) - text.rfind("\n"))


def _replace_json_tabs(text: str) -> str:
    """Replace the tabs of JSON by spaces: YAML allows no tabs as indentation.

    JSON's strings hold no bare tabs, so in a file that is JSON every tab is white space.
    """
    if "\t" not in text or not text.lstrip().startswith(("{", "[")):
        return text
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text
    return re.sub("\t", " ", text)
