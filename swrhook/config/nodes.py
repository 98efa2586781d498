"""A configuration file as a tree of values, each with its place."""

from typing import Any, NamedTuple, Protocol, TypeAlias

Data: TypeAlias = Any  # None, bool, int, float, str, list[Data] or dict[str, Data]
Scalar: TypeAlias = str | int | float | bool | None
NodePath: TypeAlias = tuple[str | int, ...]


class Position(NamedTuple):
    """A line and a column, counted from 1."""

    line: int
    column: int


class YamlMark(Protocol):
    """A place as PyYAML tells it, counted from 0."""

    line: int
    column: int


class MappingEntry(NamedTuple):
    """A value of a mapping, and where its key stands."""

    key_mark: YamlMark | None
    node: "Node"


class Node:
    """A value and its place. Not frozen, for there are hundreds of thousands to make."""

    __slots__ = ("mark", "value")

    def __init__(
        self, mark: YamlMark | None, value: "Scalar | list[Node] | dict[str, MappingEntry]"
    ) -> None:
        """Take the value and where it begins."""
        self.mark = mark
        self.value = value

    @property
    def place(self) -> Position:
        """Return where the value begins."""
        return place(self.mark)

    def extent(self) -> tuple[int, int]:
        """Return how many values are in it, itself included, and how many levels."""
        within = [node.extent() for node in self._nodes()]
        size = 1 + sum(size for size, _ in within)
        return size, 1 + max((height for _, height in within), default=0)

    def _nodes(self) -> "list[Node]":
        if isinstance(self.value, dict):
            return [entry.node for entry in self.value.values()]
        return self.value if isinstance(self.value, list) else []


def place(mark: YamlMark | None) -> Position:
    """Return a mark as people count; the beginning without one."""
    return Position(1, 1) if mark is None else Position(mark.line + 1, mark.column + 1)


def plain(node: Node) -> Data:
    """Return the bare values of a tree."""
    if isinstance(node.value, dict):
        return {key: plain(entry.node) for key, entry in node.value.items()}
    if isinstance(node.value, list):
        return [plain(item) for item in node.value]
    return node.value


def position_of(root: Node, path: NodePath, *, of_key: bool = False) -> Position:
    """Return where the value at `path` stands, or its key; for what is missing, its owner's key."""
    node = root
    key_mark = root.mark
    for step in path:
        if isinstance(node.value, dict) and step in node.value:
            key_mark, node = node.value[str(step)]
        elif isinstance(node.value, list) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            key_mark = node.mark
        else:
            return place(key_mark)
    return place(key_mark) if of_key else node.place
