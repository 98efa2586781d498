"""Words that messages share."""

import difflib
from collections.abc import Iterable

from swrhook.config.tree import Data

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
