"""A configuration file as a tree of values, each with its place."""

from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

Data: TypeAlias = Any  # None, bool, int, float, str, list[Data] or dict[str, Data]
Scalar: TypeAlias = str | int | float | bool | None
Path: TypeAlias = tuple[str | int, ...]


class Place(NamedTuple):
    """A line and a column, counted from 1."""

    line: int
    column: int


class Entry(NamedTuple):
    """A value of a mapping, and where its key stands."""

    key_place: Place
    node: "Node"


@dataclass(frozen=True, slots=True)
class Node:
    """A value and its place.

    `size` counts the values in it, itself included, `height` the levels.
    """

    place: Place
    value: "Scalar | list[Node] | dict[str, Entry]"
    size: int = 1
    height: int = 1


def plain(node: Node) -> Data:
    """Return the bare values of a tree."""
    if isinstance(node.value, dict):
        return {key: plain(entry.node) for key, entry in node.value.items()}
    if isinstance(node.value, list):
        return [plain(item) for item in node.value]
    return node.value


def place_of(root: Node, path: Path, *, of_key: bool = False) -> Place:
    """Return where the value at `path` stands, or its key; for what is missing, its owner's key."""
    node = root
    key_place = root.place
    for step in path:
        if isinstance(node.value, dict) and step in node.value:
            key_place, node = node.value[str(step)]
        elif isinstance(node.value, list) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            key_place = node.place
        else:
            return key_place
    return key_place if of_key else node.place
