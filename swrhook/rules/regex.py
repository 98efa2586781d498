"""Regular expressions, by RE2: the whole value has to fit, in linear time."""

import re2

_NOT_IN_RE2 = ("(?!", "(?=", "(?<")
_QUIET = re2.Options()
_QUIET.log_errors = False


class Regex:
    """One regular expression of RE2."""

    def __init__(self, text: str) -> None:
        """Compile it. Raises ValueError with the place of the mistake in it."""
        self.text = text
        try:
            self._compiled = re2.compile(text, _QUIET)
        except re2.error as exc:
            raise ValueError(_explain(text, _message(exc))) from None

    def matches(self, value: str) -> bool:
        """Tell whether the whole of `value` fits."""
        return self._compiled.fullmatch(value) is not None

    def span(self) -> tuple[bytes, bytes] | None:
        """Return between which bytes, in order, every match begins; None when it is not known."""
        try:
            least, most = self._compiled.possiblematchrange(8)
        except re2.error:
            return None
        return least, most

    def __str__(self) -> str:
        """Write it as traces do."""
        return f"regex {self.text}"

    def __repr__(self) -> str:
        """Show the text, as messages do."""
        return f"Regex({self.text!r})"


def _message(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)


def _explain(text: str, said: str) -> str:
    """Say where RE2's message points to; it ends with the piece that it is about."""
    what, _, piece = said.partition(": ")
    position = text.find(piece) if piece else -1
    where = f" from its character {position + 1} on" if position >= 0 else ""
    if any(sign in piece for sign in _NOT_IN_RE2):
        return f"is no expression of RE2{where}: it has no look-around; write a «not»"
    return f"is no expression of RE2{where}: {what}"
