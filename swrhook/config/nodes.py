"""The values of a configuration document: types, lookup by path, positions in the file."""

import functools
from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol, TypeAlias

import yaml

Data: TypeAlias = Any  # None, bool, int, float, str, list[Data] or dict[str, Data]
Scalar: TypeAlias = str | int | float | bool | None
NodePath: TypeAlias = tuple[str | int, ...]


class Position(NamedTuple):
    """A line and a column, counted from 1."""

    line: int
    column: int


class MappingEntry(NamedTuple):
    """A value within another, and its key; a list item is its own key."""

    key: yaml.Node
    node: yaml.Node


class YamlMark(Protocol):
    """A position as PyYAML and libyaml have it, counted from 0."""

    line: int
    column: int


def value_at(data: Data, *path: str) -> Data:
    """Return the value at a path of keys, or None."""
    for key in path:
        if not isinstance(data, dict):
            return None
        data = data.get(key)
    return data


def mapping_at(data: Data, *path: str) -> dict[str, Data] | None:
    """Return the mapping at a path, or None."""
    value = value_at(data, *path)
    return value if isinstance(value, dict) else None


def list_at(data: Data, *path: str) -> list[Data]:
    """Return the list at a path, or an empty one."""
    value = value_at(data, *path)
    return value if isinstance(value, list) else []


def texts_in(data: Data, path: NodePath = ()) -> Iterator[tuple[NodePath, str]]:
    """Yield every text in a value with its path."""
    if isinstance(data, str):
        yield path, data
    elif isinstance(data, dict | list):
        for step, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield from texts_in(value, (*path, step))


def position(mark: YamlMark | None) -> Position:
    """Return the position of a mark; the beginning of the file without one."""
    return Position(1, 1) if mark is None else Position(mark.line + 1, mark.column + 1)


class Positions:
    """The positions of the values of one document."""

    def __init__(self, root: yaml.Node) -> None:
        """Take the tree that PyYAML has composed."""
        self._root = root
        # One mapping can hold a mistake at each of very many keys, so a lookup must not scan it.
        self._entries = functools.cache(_entries)

    def of(self, path: NodePath, *, of_key: bool = False) -> Position:
        """Return the position of the value at `path`, or of its key.

        For a missing value, it is the position of the key of the nearest value around it.
        """
        entry = MappingEntry(self._root, self._root)
        for step in path:
            entries = self._entries(entry.node)
            if step not in entries:
                return position(entry.key.start_mark)
            entry = entries[step]
        return position((entry.key if of_key else entry.node).start_mark)


def _entries(node: yaml.Node) -> dict[str | int, MappingEntry]:
    if isinstance(node, yaml.SequenceNode):
        return {index: MappingEntry(item, item) for index, item in enumerate(node.value)}
    if isinstance(node, yaml.MappingNode):
        # Of duplicate keys the first one counts.
        return {
            key.value: MappingEntry(key, value)
            for key, value in reversed(node.value)
            if isinstance(key, yaml.ScalarNode)
        }
    return {}
