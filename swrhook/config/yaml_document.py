"""Read YAML or JSON: PyYAML's composer with stricter rules.

Allowed beyond JSON: comments, block style, and anchors with aliases, within bounds. Refused: tags,
merge keys, duplicate keys, several documents. Scalars follow the core schema of YAML 1.2 without
octal and hexadecimal numbers, so `no`, `on`, `010` and dates are text.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import NamedTuple

import yaml

# libyaml is twenty times faster, which counts when a running service reloads ten thousand rules.
try:
    from yaml import CSafeLoader
except ImportError:  # pragma: no cover  # PyYAML was built without a C compiler
    from yaml import SafeLoader as CSafeLoader  # type: ignore[assignment]

from swrhook.config.nodes import Data, Position, Positions, Scalar, position
from swrhook.config.yaml_errors import NO_ANCHOR, NotYaml, decode, explain

MAX_DEPTH = 32
MAX_ALIASED_VALUES = 10_000

_TOO_DEEP = f"more than {MAX_DEPTH} levels of nesting"
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
}
# `010` is 8 in YAML 1.1 and 10 in 1.2. As text it is refused wherever a number is expected.
# A number of twenty digits cannot be a setting, but it may be an id or a password: it stays text.
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_FLOAT = re.compile(
    r"[-+]?(?:(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+)"
)
_NUMBER_START = frozenset("-+.0123456789")
_SURROGATE = re.compile("[\ud800-\udfff]")


class Document(NamedTuple):
    """The bare values of a file, their positions, and the parts that are refused and left out."""

    data: Data
    positions: Positions
    refused: list[tuple[Position, str]]


class _StrictHooks:
    """Overrides PyYAML's resolver, which both composers call for every node."""

    _depth = 0

    def resolve(self, *_: object) -> str:
        """Return no tag: PyYAML would resolve scalars by YAML 1.1."""
        return ""

    def descend_resolver(self, parent: yaml.Node | None, _: object) -> None:
        """Refuse deep nesting: the composer recurses for each level and could exhaust the stack."""
        self._depth += 1
        if parent is not None and self._depth > MAX_DEPTH + 1:
            raise NotYaml(position(parent.start_mark), _TOO_DEEP)

    def ascend_resolver(self) -> None:
        """Leave a level."""
        self._depth -= 1


class PythonLoader(_StrictHooks, yaml.SafeLoader):
    """The parser of PyYAML in Python, which has precise messages."""


class FastLoader(_StrictHooks, CSafeLoader):
    """The parser of libyaml, where PyYAML was built with it."""


Loader = type[PythonLoader] | type[FastLoader]


def read(content: bytes) -> Document:
    """Read YAML or JSON. Raises NotYaml for anything else, whatever the bytes."""
    text = decode(content)
    with suppress(yaml.YAMLError):  # libyaml's messages are vague: PyYAML explains the error
        return compose(text, FastLoader)
    try:
        return compose(text, PythonLoader)
    except yaml.YAMLError as exc:
        raise explain(exc) from None


def compose(text: str, loader: Loader) -> Document:
    """Return the only document of a text. Raises NotYaml, or yaml.YAMLError from the parser."""
    root = yaml.compose(text, loader)
    if root is None:
        raise NotYaml(Position(1, 1), "the file is empty")
    builder = _Builder(lambda: yaml.parse(text, loader))
    data = builder.build(root)
    if "!" in text:
        builder.refuse_tags()
    return Document(data, Positions(root), builder.refused)


class _Builder:
    """Builds the bare values of a tree of nodes."""

    def __init__(self, events: Callable[[], Iterator[yaml.Event]]) -> None:
        self.refused: list[tuple[Position, str]] = []
        self._events = events
        self._parents: list[yaml.Node] = []
        self._values: dict[yaml.Node, Data] = {}
        self._aliases = 0
        self._aliased_values = 0

    def build(self, node: yaml.Node) -> Data:
        """Return the value of a node. Raises NotYaml."""
        if node in self._values:  # the composer returns the anchor's node for each alias
            self._check_alias(node)
            return self._values[node]
        self._values[node] = None
        if len(self._parents) == MAX_DEPTH:
            raise NotYaml(position(node.start_mark), _TOO_DEEP)
        if isinstance(node, yaml.ScalarNode):
            value: Data = self._scalar(node)
        else:
            self._parents.append(node)
            is_mapping = isinstance(node, yaml.MappingNode)
            value = self._mapping(node) if is_mapping else [self.build(item) for item in node.value]
            self._parents.pop()
        self._values[node] = value
        return value

    def refuse_tags(self) -> None:
        """Refuse every tag. Only events show a tag that is `!` alone."""
        for event in self._events():
            if getattr(event, "tag", None) is not None:
                self._refuse(
                    event, 'tags are not supported: text that starts with "!" needs quotes'
                )

    def _check_alias(self, node: yaml.Node) -> None:
        """Bound the values that aliases expand to: a few lines can expand to billions."""
        self._aliases += 1
        if node in self._parents:
            raise self._at_alias(NO_ANCHOR)
        size, height = _extent(self._values[node])
        self._aliased_values += size
        if len(self._parents) + height > MAX_DEPTH:
            raise self._at_alias(_TOO_DEEP)
        if self._aliased_values > MAX_ALIASED_VALUES:
            raise self._at_alias(f"aliases stand for more than {MAX_ALIASED_VALUES} values")

    def _at_alias(self, message: str) -> NotYaml:
        """Return an error at the latest alias. Its node has the position of the anchor."""
        aliases = [event for event in self._events() if isinstance(event, yaml.AliasEvent)]
        return NotYaml(position(aliases[self._aliases - 1].start_mark), message)

    def _mapping(self, node: yaml.Node) -> dict[str, Data]:
        values: dict[str, Data] = {}
        keys: dict[str, yaml.Node] = {}
        for key_node, value_node in node.value:
            key, value = self.build(key_node), self.build(value_node)
            if not isinstance(key, str):
                self._refuse(key_node, "a key must be text: put it in quotes")
            elif key == "<<" and not key_node.style:
                self._refuse(key_node, 'merge keys ("<<") are not supported: write the keys out')
            elif key in keys:
                line = position(keys[key].start_mark).line
                self._refuse(key_node, f"this key stands in line {line} already: keep one")
            else:
                keys[key], values[key] = key_node, value
        return values

    def _scalar(self, node: yaml.ScalarNode) -> Scalar:
        if not node.style and not node.tag:
            return resolve(node.value)
        if _SURROGATE.search(node.value) is not None:
            try:  # JSON escapes a character beyond U+FFFF as a surrogate pair
                node.value = node.value.encode("utf-16", "surrogatepass").decode("utf-16")
            except UnicodeDecodeError:
                self._refuse(node, "an escape in this text stands for half a character")
                return ""
        return str(node.value)

    def _refuse(self, part: yaml.Node | yaml.Event, message: str) -> None:
        self.refused.append((position(part.start_mark), message))


def _extent(data: Data) -> tuple[int, int]:
    """Return the number of values in a value, itself included, and of levels."""
    items = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    extents = [_extent(item) for item in items]
    height = max((height for _, height in extents), default=0)
    return 1 + sum(size for size, _ in extents), 1 + height


def resolve(text: str) -> Scalar:
    """Return the value of unquoted text."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_START:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text
