"""Version ranges such as `>=1.2 <2`, `~1.4`, `^2`, `1.2 || 1.4`. docs/rules.md has the grammar."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from swrhook.rules.glob import Glob
from swrhook.rules.versions import (
    RELEASED,
    STAGE,
    Key,
    Release,
    Stage,
    parse_stage,
    parse_version,
    to_release,
)

_GAP = re.compile(r"[\s,]+")
_COMPARISON = re.compile(
    r"(?P<operator>>=|<=|[=><~^])?\s*v?"
    r"(?P<numbers>(?:[0-9]{1,9}|[x*])(?:\.(?:[0-9]{1,9}|[x*])){0,2})"
    rf"(?:{STAGE})?(?=[\s,<>=~^]|\Z)",
    re.ASCII | re.IGNORECASE,
)
_BEFORE_PRERELEASES: tuple[int, Stage] = (0, ())  # sorts before every pre-release
_ALL_NUMBERS = 3
# A version's numbers have at most nine digits, so no version reaches this one.
_UNREACHABLE: Release = (10**9, 0, 0)


class _Bound(NamedTuple):
    """One end of an interval: right before its key or, with `is_after_key`, right after it."""

    key: Key
    is_after_key: bool


_START = _Bound(((0, 0, 0), _BEFORE_PRERELEASES), is_after_key=False)
_END = _Bound((_UNREACHABLE, RELEASED), is_after_key=True)


@dataclass(frozen=True, slots=True)
class _Interval:
    """The versions that satisfy all comparisons between two `||`."""

    lowest: _Bound
    highest: _Bound
    prerelease_of: frozenset[Release]  # the releases of which a comparison names a pre-release

    @property
    def is_empty(self) -> bool:
        return self.lowest >= self.highest

    def contains(self, key: Key) -> bool:
        # Plain tuples compare faster, and like bounds right before and right after the key.
        return self.lowest <= (key, False) and (key, True) <= self.highest


class Semver:
    """A range of versions with one variant (a glob).

    As in npm, a pre-release matches only if a comparison names a pre-release of the same release,
    or with `prerelease=True`.
    """

    def __init__(self, text: str, variant: str = "", *, prerelease: bool = False) -> None:
        """Parse the range. Raises ValueError with the position of the mistake."""
        self.text = text
        self.variant = Glob(variant)
        self.prerelease = prerelease
        self._intervals = tuple(
            _parse_interval(part, start) for start, part in _split_alternatives(text)
        )

    @property
    def is_empty(self) -> bool:
        """Return whether the range contains no version."""
        return all(interval.is_empty for interval in self._intervals)

    def matches(self, value: str) -> bool:
        """Return whether `value` is a version in the range."""
        version = parse_version(value)
        if version is None or not self.variant.matches(version.variant):
            return False
        return any(
            interval.contains(version.key)
            and (
                version.stage is None
                or self.prerelease
                or version.release in interval.prerelease_of
            )
            for interval in self._intervals
        )

    def examples(self) -> Iterator[str]:
        """Yield tags that may be in the range: its lower ends, and the next versions."""
        suffix = self.variant.text.replace("*", "x").replace("?", "x")
        for interval in self._intervals:
            (major, minor, patch), _ = interval.lowest.key
            for release in ((major, minor, patch), (major, minor, patch + 1), (major + 1, 0, 0)):
                yield ".".join(map(str, release)) + (f"-{suffix}" if suffix else "")

    def __str__(self) -> str:
        """Return the text as in a trace."""
        variant = f" variant {self.variant}" if self.variant.text else ""
        return f"semver {self.text}{variant}{' with pre-releases' if self.prerelease else ''}"

    def __repr__(self) -> str:
        """Return the text with the class name."""
        return f"Semver({self.text!r}, {self.variant.text!r}, prerelease={self.prerelease})"


def _split_alternatives(text: str) -> Iterator[tuple[int, str]]:
    """Yield the parts between the `||`, with their positions."""
    start = 0
    for part in text.split("||"):
        yield start, part
        start += len(part) + 2


def _parse_interval(part: str, start: int) -> _Interval:
    lowest, highest = _START, _END
    prerelease_of = set()
    for match in _parse_comparisons(part, start):
        numbers, stage = _parse_operand(match, start)
        key: Key = (to_release(numbers), RELEASED if stage is None else (0, stage))
        lowest = max(lowest, _lower_bound(match["operator"] or "", numbers, key))
        highest = min(highest, _upper_bound(match["operator"] or "", numbers, key))
        if stage is not None:
            prerelease_of.add(key[0])
    return _Interval(lowest, highest, frozenset(prerelease_of))


def _parse_operand(match: re.Match[str], start: int) -> tuple[list[int], Stage | None]:
    """Return the numbers before the first `x` or `*`, and the pre-release."""
    parts = match["numbers"].split(".")
    numbers = [int(part) for part in parts if part.isdecimal()]
    if not all(part.isdecimal() for part in parts[: len(numbers)]):
        place = start + match.start("numbers") + 1
        raise ValueError(f'is not a range: a number follows an "x" at character {place}')
    if match["stage"] is None:
        return numbers, None
    if len(numbers) < _ALL_NUMBERS:
        place = start + match.start("stage") + 1
        message = f"the pre-release at character {place} needs three numbers before it"
        raise ValueError(f"is not a range: {message}")
    return numbers, parse_stage(match["stage"])


def _parse_comparisons(part: str, start: int) -> Iterator[re.Match[str]]:
    end = _skip_gap(part, 0)
    if end == len(part):
        raise ValueError(
            f"is not a range: it has nothing at character {start + 1}; write * for any version"
        )
    while end < len(part):
        match = _COMPARISON.match(part, end)
        if match is None:
            raise ValueError(_explain_error(part, start, end))
        yield match
        end = _skip_gap(part, match.end())


def _skip_gap(part: str, position: int) -> int:
    gap = _GAP.match(part, position)
    return gap.end() if gap else position


def _explain_error(part: str, start: int, end: int) -> str:
    piece = part[end:]
    message = f"is not a range from character {start + end + 1} on"
    if piece.startswith("- "):
        return f'{message}: write ">=1.2 <=1.4" instead of "1.2 - 1.4"'
    if piece.startswith("!"):
        return f'{message}: there is no "!="; use `not` in the rule instead'
    if piece.startswith("|"):
        return f'{message}: write "||" for "or"'
    return f"{message}: write comparisons such as >=1.2, <2, ~1.4, ^2 or 1.2.3"


def _lower_bound(operator: str, numbers: list[int], key: Key) -> _Bound:
    """Return the lower end of one comparison."""
    if operator in {"<", "<="}:
        return _START
    if operator != ">":
        return _Bound(key, is_after_key=False)
    if len(numbers) == _ALL_NUMBERS:
        return _Bound(key, is_after_key=True)
    return _Bound((_next_release(numbers, len(numbers)), RELEASED), is_after_key=False)


def _upper_bound(operator: str, numbers: list[int], key: Key) -> _Bound:
    """Return the upper end of one comparison."""
    if operator in {">", ">="}:
        return _END
    if operator == "<":
        # `<2` excludes the pre-releases of 2, unless it names one, as in `<2.0.0-rc.1`.
        is_release = key[1] == RELEASED
        return _Bound((key[0], _BEFORE_PRERELEASES) if is_release else key, is_after_key=False)
    if operator in {"", "=", "<="} and len(numbers) == _ALL_NUMBERS:
        return _Bound(key, is_after_key=True)
    kept = {"~": min(len(numbers), 2), "^": _caret_precision(numbers)}.get(operator, len(numbers))
    if not kept:
        return _END
    return _Bound((_next_release(numbers, kept), _BEFORE_PRERELEASES), is_after_key=False)


def _caret_precision(numbers: list[int]) -> int:
    """Return how many numbers `^` compares: those up to the first that is not 0."""
    for count, number in enumerate(numbers, 1):
        if number:
            return count
    return len(numbers)


def _next_release(numbers: list[int], count: int) -> Release:
    """Return the next release that differs in the first `count` numbers."""
    return to_release([*numbers[: count - 1], numbers[count - 1] + 1]) if count else _UNREACHABLE
