"""Globs, which always match a whole value.

`*` matches any text without `/`, `**` any text, `?` one character other than `/`. Every other
character matches itself.
"""

import re
from functools import cached_property
from typing import Any

import re2

_TOKEN = re.compile(r"(\*\*|\*|\?)")
_REGEX = {"**": "(?s:.*)", "*": "[^/]*", "?": "[^/]"}


class Glob:
    """One glob. Matching takes linear time, whatever the pattern."""

    def __init__(self, text: str) -> None:
        """Parse the glob; any text is valid."""
        self.text = text
        tokens = list(_TOKEN.finditer(text))
        self.literal = not tokens
        self.prefix = text[: tokens[0].start()] if tokens else text
        self._star = tokens[0][0] if len(tokens) == 1 and tokens[0][0] != "?" else None
        self.suffix = text[tokens[-1].end() :] if tokens else ""

    def matches(self, value: str) -> bool:
        """Return whether the glob matches the whole of `value`."""
        # Literals and globs with a single star are the usual ones. String operations match them
        # much faster than RE2, and 10,000 of them need not be compiled.
        if self.literal:
            return value == self.text
        if not (value.startswith(self.prefix) and value.endswith(self.suffix)):
            return False
        if self._star is None:
            return self._compiled.fullmatch(value) is not None
        end = len(value) - len(self.suffix)
        between = value[len(self.prefix) : end]
        return end >= len(self.prefix) and (self._star == "**" or "/" not in between)

    @cached_property
    def regex(self) -> str:
        """Return the equivalent regular expression."""
        return "".join(_REGEX.get(part) or re2.escape(part) for part in _TOKEN.split(self.text))

    @cached_property
    def _compiled(self) -> Any:  # noqa: ANN401  # re2 comes without types
        return re2.compile(self.regex)

    def __reduce__(self) -> tuple[Any, ...]:
        """Return what makes a copy in another process, where the compiled form cannot go."""
        return (Glob, (self.text,))

    def __str__(self) -> str:
        """Return the text as in the configuration file."""
        return self.text

    def __repr__(self) -> str:
        """Return the text with the class name."""
        return f"Glob({self.text!r})"


EVERYTHING = (Glob("**"),)
