"""PyYAML's events to a tree: YAML 1.2's core scalars, nothing clever.

What YAML adds to JSON is allowed as far as it cannot surprise: comments, block style, anchors
(within bounds). Tags, merge keys and several documents are refused. `no`, `on` and dates are text.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple, TypeGuard

import yaml

from swrhook.config.nodes import MappingEntry, Node, Position, Scalar, YamlMark, place
from swrhook.config.yaml_errors import NotYaml, decoded, explain

DEEPEST = 32
MOST_ALIASED_VALUES = 10_000

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
}
# `010` is 8 in YAML 1.1 and 10 in 1.2: text, so that a number field refuses it. Twenty digits are
# no count of anything here, but may well be an id or a password.
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(
    r"[-+]?(?:(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+)"
)
_WORD = re.compile(r"[A-Za-z_]+")
_BEGINNINGS_OF_NUMBERS = frozenset("-+.0123456789")
_SURROGATE = re.compile("[\ud800-\udfff]")


class Document(NamedTuple):
    """A file's tree, and what of it is refused."""

    root: Node
    refused: list[tuple[Position, str]]


def compose(events: Iterator[yaml.Event]) -> Document:
    """Make the tree of the only document. Raises NotYaml, or what the parser raises."""
    next(events)  # the stream's start
    if isinstance(next(events), yaml.StreamEndEvent):
        raise NotYaml(Position(1, 1), "the file is empty")
    composer = _Composer(events)
    root = composer.node(next(events))
    next(events)  # the document's end
    event = next(events)
    if not isinstance(event, yaml.StreamEndEvent):
        raise NotYaml(place(event.start_mark), "a second document («---»): only one is allowed")
    return Document(root, composer.refused)


class _Composer:
    """Makes nodes of events; PyYAML's own composer recurses freely and resolves by YAML 1.1."""

    def __init__(self, events: Iterator[yaml.Event]) -> None:
        self._events = events
        self._anchors: dict[str, tuple[Node, int, int]] = {}
        self._aliased = 0
        self._depth = 0
        self.refused: list[tuple[Position, str]] = []

    def node(self, event: yaml.Event) -> Node:
        """Return the node that starts with this event."""
        mark = event.start_mark
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event.anchor or "", mark)
        if getattr(event, "tag", None) is not None:
            self._refuse(mark, "tags are not supported: text that starts with «!» needs quotes")
        if isinstance(event, yaml.ScalarEvent):
            self._check_depth(mark, more=1)
            node = Node(mark, self._scalar(event))
        else:
            node = Node(mark, self._collection(event, mark))
        anchor = getattr(event, "anchor", None)
        if anchor is not None:
            self._anchors[anchor] = (node, *node.extent())
        return node

    def _alias(self, anchor: str, mark: YamlMark | None) -> Node:
        if anchor not in self._anchors:
            message = "no anchor of this name before it: text that starts with «*» needs quotes"
            raise NotYaml(place(mark), message)
        node, size, height = self._anchors[anchor]
        self._check_depth(mark, more=height)
        self._aliased += size
        # A few lines of aliases to aliases are billions of values.
        if self._aliased > MOST_ALIASED_VALUES:
            raise NotYaml(place(mark), f"aliases stand for more than {MOST_ALIASED_VALUES} values")
        return node

    def _check_depth(self, mark: YamlMark | None, *, more: int) -> None:
        """Keep every tree, aliases followed, low enough for functions that call themselves."""
        if self._depth + more > DEEPEST:
            raise NotYaml(place(mark), f"more than {DEEPEST} levels of nesting")

    def _collection(
        self, event: yaml.Event, mark: YamlMark | None
    ) -> list[Node] | dict[str, MappingEntry]:
        self._check_depth(mark, more=1)
        self._depth += 1
        is_list = isinstance(event, yaml.SequenceStartEvent)
        value = self._sequence() if is_list else self._mapping()
        self._depth -= 1
        return value

    def _sequence(self) -> list[Node]:
        items: list[Node] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self.node(event))
        return items

    def _mapping(self) -> dict[str, MappingEntry]:
        entries: dict[str, MappingEntry] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(event)
            value = self.node(next(self._events))
            if key in entries:
                first = place(entries[key].key_mark).line
                self._refuse(event.start_mark, f"this key stands in line {first} already: keep one")
            elif key is not None:
                entries[key] = MappingEntry(event.start_mark, value)
        return entries

    def _key(self, event: yaml.Event) -> str | None:
        """Return a mapping's key; None when it is refused."""
        if _is_word(event):
            return event.value
        node = self.node(event)
        if not isinstance(node.value, str):
            self._refuse(node.mark, "a key must be text: put it in quotes")
            return None
        if node.value == "<<" and isinstance(event, yaml.ScalarEvent) and event.implicit[0]:
            self._refuse(node.mark, "merge keys («<<») are not supported: write the keys out")
            return None
        return node.value

    def _scalar(self, event: yaml.ScalarEvent) -> Scalar:
        if event.implicit[0]:
            return resolve(event.value)
        if _SURROGATE.search(event.value) is None:
            return event.value
        try:  # JSON escapes a character beyond U+FFFF as two
            return event.value.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            self._refuse(event.start_mark, "an escape in this text stands for half a character")
            return ""

    def _refuse(self, mark: YamlMark | None, message: str) -> None:
        self.refused.append((place(mark), message))


def _is_word(event: yaml.Event) -> TypeGuard[yaml.ScalarEvent]:
    """Tell whether this is a key as all of swrhook's are: nothing about it has to be looked at."""
    return (
        isinstance(event, yaml.ScalarEvent)
        and event.tag is None
        and event.anchor is None
        and event.value not in _WORDS
        and _WORD.fullmatch(event.value) is not None
    )


def resolve(text: str) -> Scalar:
    """Return what unquoted text stands for."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _BEGINNINGS_OF_NUMBERS:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


# libyaml, where PyYAML has it, is twenty times faster, which counts when a running service reloads
# ten thousand rules.
_FAST = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read(content: bytes) -> Document:
    """Read YAML or JSON. Raises NotYaml for anything else, whatever the bytes."""
    text = decoded(content)
    try:
        return compose(_events(_FAST(text)))
    except yaml.YAMLError:
        pass  # the other one says what is wrong
    try:
        return compose(_events(yaml.SafeLoader(text)))
    except yaml.YAMLError as exc:
        raise explain(exc) from None


def _events(loader: yaml.SafeLoader | yaml.CSafeLoader) -> Iterator[yaml.Event]:
    """Return the loader's events; unlike `yaml.parse`, without a step of Python for each."""
    return iter(loader.get_event, None)
