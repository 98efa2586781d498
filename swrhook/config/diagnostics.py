"""What is wrong with a file and what is only odd, collected, each with its place."""

import difflib
import re
from collections.abc import Iterable

from swrhook.config.nodes import Data, NodePath, Position, Positions
from swrhook.errors import Mistake

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_LONGEST_QUOTE = 60


class Expanded(str):
    """Text that came from `${…}`. `written` is what the file says: messages show only that."""

    __slots__ = ("written",)
    written: str


def expanded(text: str, written: str) -> Expanded:
    """Return `text`, which the file writes as `written`."""
    result = Expanded(text)
    result.written = written
    return result


def quote(value: str) -> str:
    """Return a value in quotes, on one line, as the file writes it: no expanded secret is shown."""
    written = value.written if isinstance(value, Expanded) else value
    short = written if len(written) <= _LONGEST_QUOTE else f"{written[:_LONGEST_QUOTE]}…"
    return f"«{''.join(c if c.isprintable() else '·' for c in short)}»"


def dotted(path: NodePath) -> str:
    """Write a path as `senders.harbor.auth.secrets[0]`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step if _PLAIN_KEY.fullmatch(step) else quote(step)}"
    return text.removeprefix(".")


class Diagnostics:
    """Collects the mistakes and warnings of one file."""

    def __init__(self, file: str, positions: Positions) -> None:
        """Start with nothing found."""
        self._file = file
        self._positions = positions
        self._spoiled: set[NodePath] = set()
        self.mistakes: list[Mistake] = []
        self.warnings: list[str] = []

    def mistake(self, path: NodePath, message: str) -> None:
        """Note a mistake, unless the value at `path` could not even be expanded."""
        if path not in self._spoiled:
            place = self._positions.of(path)
            self.mistakes.append(self._at(place, path, message))

    def mistake_at_key(self, path: NodePath, message: str) -> None:
        """Note that the last key of `path` is wrong in itself; it is not shown."""
        place = self._positions.of(path, of_key=True)
        self.mistakes.append(self._at(place, path[:-1], message))

    def suppress_below(self, path: NodePath, message: str) -> None:
        """Note a mistake that makes any other about the value at `path` worthless."""
        self.mistake(path, message)
        self._spoiled.add(path)

    def ignore(self, path: NodePath) -> None:
        """Take the value at `path` for right, whatever it is."""
        self._spoiled.add(path)

    def warn(self, path: NodePath, message: str) -> None:
        """Note something that is allowed, but probably not meant."""
        place = self._positions.of(path)
        self.warnings.append(str(self._at(place, path, message)))

    def _at(self, place: Position, path: NodePath, message: str) -> Mistake:
        where = f"{dotted(path)}: " if path else ""
        return Mistake(self._file, place.line, place.column, f"{where}{message}")


LATER = "is not supported by this version"

_MOST_LISTED = 20
_KINDS = {bool: "true or false", int: "a number", float: "a number", list: "a list"}


class AtKey(str):
    """A message about a key itself: it belongs where the key stands, not where its value does."""

    __slots__ = ()


def kind_of(value: Data) -> str:
    """Name a value's type as the file's author sees it."""
    return _KINDS.get(type(value), "text" if isinstance(value, str) else "a mapping")


def did_you_mean(value: str, known: Iterable[str]) -> str:
    """Return which known name is probably meant, or all of them, to end a message with."""
    names = list(known)
    close = difflib.get_close_matches(value, names, n=1)
    if close:
        return f"did you mean «{close[0]}»?"
    return listing(names)


def listing(names: Iterable[str]) -> str:
    """Name what is known, but no more than a line can hold."""
    known = list(names)
    more = ", …" if len(known) > _MOST_LISTED else ""
    return f"known are {', '.join(known[:_MOST_LISTED])}{more}"
