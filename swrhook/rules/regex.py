"""Regular expressions in RE2's syntax. They match whole values, in linear time."""

from typing import Any

import re2

_NOT_IN_RE2 = ("(?!", "(?=", "(?<")
_QUIET = re2.Options()
_QUIET.log_errors = False


class Regex:
    """One regular expression."""

    def __init__(self, text: str) -> None:
        """Compile it. Raises ValueError with the position of the mistake."""
        self.text = text
        try:
            self._compiled = re2.compile(text, _QUIET)
        except re2.error as exc:
            raise ValueError(_explain_error(text, _error_text(exc))) from None

    def matches(self, value: str) -> bool:
        """Return whether the expression matches the whole of `value`."""
        return self._compiled.fullmatch(value) is not None

    def span(self) -> tuple[bytes, bytes] | None:
        """Return a lower and an upper bound of every match's first bytes; None if unknown."""
        try:
            least, most = self._compiled.possiblematchrange(8)
        except re2.error:
            return None
        return least, most

    def __reduce__(self) -> tuple[Any, ...]:
        """Return what makes a copy in another process, where the compiled form cannot go."""
        return (Regex, (self.text,))

    def __str__(self) -> str:
        """Return the text as in a trace."""
        return f"regex {self.text}"

    def __repr__(self) -> str:
        """Return the text with the class name."""
        return f"Regex({self.text!r})"


def _error_text(error: Exception) -> str:
    message = error.args[0] if error.args else ""
    return message.decode("utf-8", "replace") if isinstance(message, bytes) else str(message)


def _explain_error(text: str, message: str) -> str:
    """Return a message with the position of the mistake.

    RE2 reports no position, but its message ends with the piece of the expression that is wrong.
    """
    problem, _, piece = message.partition(": ")
    position = text.find(piece) if piece else -1
    where = f" from character {position + 1} on" if position >= 0 else ""
    if any(sign in piece for sign in _NOT_IN_RE2):
        return f"is not valid in RE2{where}: RE2 has no look-around; use `not` in the rule instead"
    return f"is not valid in RE2{where}: {problem}"
