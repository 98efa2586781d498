"""Globs, each for a whole value.

`*` stands for anything within a component (no `/`), `**` for anything, `?` for one character but
`/`, everything else for itself.
"""

import re
from functools import cached_property
from typing import Any

import re2

_TOKEN = re.compile(r"\*\*|\*|\?")
_REGEX = {"**": "(?s:.*)", "*": "[^/]*", "?": "[^/]"}


class Glob:
    """One glob. RE2 underneath: no pattern takes more than linear time."""

    def __init__(self, text: str) -> None:
        """Take the glob; every text is one. It is compiled when it is first needed."""
        self.text = text
        first = _TOKEN.search(text)
        self.literal = first is None
        self.prefix = text if first is None else text[: first.start()]

    def matches(self, value: str) -> bool:
        """Tell whether the whole of `value` fits."""
        if self.literal:
            return value == self.text
        return value.startswith(self.prefix) and self._compiled.fullmatch(value) is not None

    @cached_property
    def regex(self) -> str:
        """Return the same as a regular expression."""
        parts = []
        end = 0
        for token in _TOKEN.finditer(self.text):
            parts += [re2.escape(self.text[end : token.start()]), _REGEX[token[0]]]
            end = token.end()
        return "".join([*parts, re2.escape(self.text[end:])])

    @cached_property
    def _compiled(self) -> Any:  # noqa: ANN401  # re2 comes without types
        return re2.compile(self.regex)

    def __str__(self) -> str:
        """Write it as the file does."""
        return self.text

    def __repr__(self) -> str:
        """Show the text, as messages do."""
        return f"Glob({self.text!r})"
