"""What is wrong with a file that is no YAML, in words; never with a piece of its content.

PyYAML's own messages quote anchors, tag handles and characters, which may be part of a secret
that lacks its quotes. So they are only recognized here, not repeated.
"""

import json
import re

import yaml
from yaml.reader import Reader

from swrhook.config.nodes import Position

LARGEST = 4 * 1024 * 1024

NO_ANCHOR = "no anchor of this name before it: text that starts with «*» needs quotes"
_BROKEN = "this is not valid YAML: quote text that holds any of : # { } [ ] , & * ! | > % @ `"
_EXPLAINED = {
    "mapping values are not allowed here": (
        "«:» is not expected here: check the indentation, and quote text that holds «: »"
    ),
    "could not find expected ':'": "a «:» is expected after a key",
    "expected <block end>": "the indentation does not fit the lines before",
    "sequence entries are not allowed here": "a list item («- ») is not expected here",
    "expected ',' or ']'": "the list […] is not closed: «,» or «]» is expected",
    "expected ',' or '}'": "the mapping {…} is not closed: «,» or «}» is expected",
    "found unexpected end of stream": "a quote is not closed",
    "found unknown escape character": (
        "unknown escape after «\\»: write «\\\\» for a backslash, or use single quotes"
    ),
    "character '\\t' that cannot start": "a tab: indent with spaces",
    "character '%' that cannot start": "text that starts with «%» needs quotes",
    "character '@' that cannot start": "text that starts with «@» needs quotes",
    "character '`' that cannot start": "text that starts with «`» needs quotes",
    "found undefined alias": NO_ANCHOR,
    "found duplicate anchor": (
        "this anchor is defined above already: give each anchor a name of its own"
    ),
    "expected a single document": "a second document («---»): only one is allowed",
    "while scanning an alias": "an alias needs a name: text that starts with «*» needs quotes",
    "while scanning an anchor": "an anchor needs a name: text that starts with «&» needs quotes",
}
_BYTE_ORDER_MARKS_OF_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


class NotYaml(Exception):
    """Nothing can be read; says where and why."""

    def __init__(self, place: Position, message: str) -> None:
        """Keep the place beside the message."""
        super().__init__(message)
        self.place = place


def decode(content: bytes) -> str:
    """Return the text of a configuration file. Raises NotYaml when it is none."""
    if len(content) > LARGEST:
        message = f"the file is larger than {LARGEST // 1024 // 1024} MiB"
        raise NotYaml(Position(1, 1), message)
    if content.startswith(_BYTE_ORDER_MARKS_OF_UTF_16):
        raise NotYaml(Position(1, 1), "the file is UTF-16: save it as UTF-8")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        before = content[: exc.start].decode("utf-8-sig", "replace")
        raise NotYaml(_end(before), "this is not UTF-8: save the file as UTF-8") from None
    unprintable = Reader.NON_PRINTABLE.search(text)
    if unprintable is not None:
        message = f"the control character U+{ord(unprintable[0]):04X} is not allowed"
        raise NotYaml(_end(text[: unprintable.start()]), message)
    return _without_tabs_of_json(text)


def explain(error: yaml.YAMLError) -> NotYaml:
    """Say in our words what PyYAML found."""
    mark = getattr(error, "problem_mark", None)
    place = Position(mark.line + 1, mark.column + 1) if mark else Position(1, 1)
    said = f"{getattr(error, 'context', '')}: {getattr(error, 'problem', '')}"
    known = (words for sign, words in _EXPLAINED.items() if sign in said)
    return NotYaml(place, next(known, _BROKEN))


def _end(text: str) -> Position:
    """Return the place right after `text`."""
    return Position(text.count("\n") + 1, len(text) - text.rfind("\n"))


def _without_tabs_of_json(text: str) -> str:
    """Let JSON be indented by tabs, which YAML does not know.

    JSON's strings hold no bare tabs, so in a file that is JSON each one is only white space.
    """
    if "\t" not in text or not text.lstrip().startswith(("{", "[")):
        return text
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text
    return re.sub("\t", " ", text)
