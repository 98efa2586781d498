"""Collect the mistakes and warnings of a configuration file, each with its position.

Also here: the phrases that messages share, and how they quote a value without showing a secret.
"""

import difflib
import re
from collections.abc import Collection
from itertools import islice

from swrhook.config.nodes import Data, NodePath, Position, Positions
from swrhook.errors import BadConfiguration, Mistake

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_MAX_QUOTE = 60
_MAX_NAMES = 20
_TYPE_NAMES = {bool: "true or false", int: "a number", float: "a number", list: "a list"}


class Expanded(str):
    """Text with its `${…}` references replaced. Messages show only `raw`, the text of the file."""

    __slots__ = ("raw",)
    raw: str


def make_expanded(text: str, raw: str) -> Expanded:
    """Return `text`, which stands as `raw` in the file."""
    result = Expanded(text)
    result.raw = raw
    return result


class KeyMessage(str):
    """A message about a key itself: its position is that of the key, not that of the value."""

    __slots__ = ()


class Diagnostics:
    """The mistakes and warnings of one file."""

    def __init__(self, file: str, positions: Positions) -> None:
        """Start without mistakes and warnings."""
        self._file = file
        self._positions = positions
        self._suppressed: set[NodePath] = set()
        self.mistakes: list[Mistake] = []
        self.warnings: list[str] = []

    def add_mistake(self, path: NodePath, message: str) -> None:
        """Add a mistake, unless mistakes about the value at `path` are suppressed."""
        if path not in self._suppressed:
            self.mistakes.append(self._located(self._positions.of(path), path, message))

    def add_key_mistake(self, path: NodePath, message: str) -> None:
        """Add a mistake about the last key of `path`. The key is not shown: it may be a secret."""
        position = self._positions.of(path, of_key=True)
        self.mistakes.append(self._located(position, path[:-1], message))

    def suppress_below(self, path: NodePath, message: str) -> None:
        """Add a mistake, and suppress every later one about the value at `path`."""
        self.add_mistake(path, message)
        self._suppressed.add(path)

    def assume_valid(self, path: NodePath) -> None:
        """Suppress every mistake about the value at `path`."""
        self._suppressed.add(path)

    def add_warning(self, path: NodePath, message: str) -> None:
        """Add a warning: the value at `path` is allowed, but probably not meant."""
        self.warnings.append(str(self._located(self._positions.of(path), path, message)))

    def raise_mistakes(self) -> None:
        """Raise BadConfiguration with every mistake, if there is any."""
        if self.mistakes:
            raise BadConfiguration(self.mistakes)

    def _located(self, position: Position, path: NodePath, message: str) -> Mistake:
        prefix = f"{format_path(path)}: " if path else ""
        return Mistake(self._file, *position, f"{prefix}{message}")


def quote(value: str) -> str:
    """Return a value in quotes, on one line, shortened, and without any expanded secret."""
    raw = value.raw if isinstance(value, Expanded) else value
    short = raw if len(raw) <= _MAX_QUOTE else f"{raw[:_MAX_QUOTE]}…"
    printable = "".join(c if c.isprintable() else "·" for c in short)
    return f'"{printable}"'


def format_path(path: NodePath) -> str:
    """Return a path as text, like `senders.harbor.auth.secrets[0]`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step if _PLAIN_KEY.fullmatch(step) else quote(step)}"
    return text.removeprefix(".")


def type_name(value: Data) -> str:
    """Return the name of a value's type in the words of the file's author."""
    return _TYPE_NAMES.get(type(value), "text" if isinstance(value, str) else "a mapping")


def did_you_mean(value: str, names: Collection[str]) -> str:
    """Return the end of a message about an unknown name: the closest name, or all of them."""
    close = difflib.get_close_matches(value, names, n=1)
    return f'did you mean "{close[0]}"?' if close else list_names(names)


def list_names(names: Collection[str]) -> str:
    """Return the end of a message that lists the known names, as many as fit on a line."""
    more = ", …" if len(names) > _MAX_NAMES else ""
    return f"known are {', '.join(islice(names, _MAX_NAMES))}{more}"
