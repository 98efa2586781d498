"""Ranges of versions: `>=1.2 <2`, `~1.4`, `^2`, `1.2 || 1.4`. docs/rules.md has the grammar."""

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
    release_of,
    stage_of,
    version,
)

_GAP = re.compile(r"[\s,]+")
_COMPARISON = re.compile(
    r"(?P<operator>>=|<=|[=><~^])?\s*v?"
    r"(?P<numbers>(?:[0-9]{1,9}|[x*])(?:\.(?:[0-9]{1,9}|[x*])){0,2})"
    rf"(?:{STAGE})?(?=[\s,<>=~^]|\Z)",
    re.ASCII | re.IGNORECASE,
)
_FIRST: tuple[int, Stage] = (0, ())  # before every pre-release
_ORDER_OF_CHANGE = 3


class _Bound(NamedTuple):
    """One end of an interval. As a lower one it excludes its key where `beyond`."""

    key: Key
    beyond: bool


@dataclass(frozen=True, slots=True)
class _Interval:
    """All comparisons between two `||` together."""

    lowest: _Bound
    highest: _Bound | None  # includes its key where `beyond`
    stages_of: frozenset[Release]  # the releases whose pre-releases were asked for

    @property
    def is_empty(self) -> bool:
        if self.highest is None:
            return False
        low, high = self.lowest, self.highest
        return low.key > high.key or (low.key == high.key and (low.beyond or not high.beyond))

    def holds(self, key: Key) -> bool:
        low, high = self.lowest, self.highest
        if key < low.key or (low.beyond and key == low.key):
            return False
        return high is None or key < high.key or (high.beyond and key == high.key)


class Semver:
    """A range of versions of one variant, `**` for any; pre-releases only when asked for."""

    def __init__(self, text: str, variant: str = "", *, prerelease: bool = False) -> None:
        """Read the range. Raises ValueError with the place of the mistake in it."""
        self.text = text
        self.variant = Glob(variant)
        self.prerelease = prerelease
        self._intervals = tuple(_interval(part, start) for start, part in _parts(text))

    @property
    def is_empty(self) -> bool:
        """Tell whether no version at all is in the range."""
        return all(interval.is_empty for interval in self._intervals)

    def matches(self, value: str) -> bool:
        """Tell whether `value` is a version in the range."""
        found = version(value)
        if found is None or not self.variant.matches(found.variant):
            return False
        return any(
            interval.holds(found.key)
            and (found.stage is None or self.prerelease or found.release in interval.stages_of)
            for interval in self._intervals
        )

    def examples(self) -> Iterator[str]:
        """Return tags that may be in the range: its lower ends, and what comes right after."""
        suffix = self.variant.text.replace("*", "x").replace("?", "x")
        for interval in self._intervals:
            (major, minor, patch), _ = interval.lowest.key
            for release in ((major, minor, patch), (major, minor, patch + 1), (major + 1, 0, 0)):
                yield ".".join(map(str, release)) + (f"-{suffix}" if suffix else "")

    def __str__(self) -> str:
        """Write it as traces do."""
        variant = f" variant {self.variant}" if self.variant.text else ""
        return f"semver {self.text}{variant}{' with pre-releases' if self.prerelease else ''}"

    def __repr__(self) -> str:
        """Show the text, as messages do."""
        return f"Semver({self.text!r}, {self.variant.text!r}, prerelease={self.prerelease})"


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """Yield what stands between the `||`, with its place."""
    start = 0
    for part in text.split("||"):
        yield start, part
        start += len(part) + 2


def _interval(part: str, start: int) -> _Interval:
    lowest, highest = _Bound(((0, 0, 0), _FIRST), beyond=False), None
    stages_of = set()
    for match in _comparisons(part, start):
        numbers, stage = _operand(match, start)
        key: Key = (release_of(numbers), RELEASED if stage is None else (0, stage))
        low = _lower(match["operator"] or "", numbers, key)
        high = _upper(match["operator"] or "", numbers, key)
        lowest = max(lowest, low) if low is not None else lowest
        highest = min(highest or high, high) if high is not None else highest
        if stage is not None:
            stages_of.add(key[0])
    return _Interval(lowest, highest, frozenset(stages_of))


def _operand(match: re.Match[str], start: int) -> tuple[list[int], Stage | None]:
    """Return the numbers before the first `x`, and the pre-release."""
    parts = match["numbers"].split(".")
    numbers = [int(part) for part in parts if part.isdecimal()]
    if not all(part.isdecimal() for part in parts[: len(numbers)]):
        place = start + match.start("numbers") + 1
        message = f"is no range: from its character {place} on, a number follows an «x»"
        raise ValueError(message)
    if match["stage"] is None:
        return numbers, None
    if len(numbers) < _ORDER_OF_CHANGE:
        place = start + match.start("stage") + 1
        message = f"the pre-release at its character {place} needs three numbers before it"
        raise ValueError(f"is no range: {message}")
    return numbers, stage_of(match["stage"])


def _comparisons(part: str, start: int) -> Iterator[re.Match[str]]:
    end = _skip(part, 0)
    if end == len(part):
        raise ValueError(
            f"is no range: nothing stands at its character {start + 1}; write * for any"
        )
    while end < len(part):
        match = _COMPARISON.match(part, end)
        if match is None:
            raise ValueError(_explain(part, start, end))
        yield match
        end = _skip(part, match.end())


def _skip(part: str, position: int) -> int:
    gap = _GAP.match(part, position)
    return gap.end() if gap else position


def _explain(part: str, start: int, end: int) -> str:
    piece = part[end:]
    message = f"is no range from its character {start + end + 1} on"
    if piece.startswith("- "):
        return f"{message}: write «>=1.2 <=1.4», not «1.2 - 1.4»"
    if piece.startswith("!"):
        return f"{message}: there is no «!=»; write a «not»"
    if piece.startswith("|"):
        return f"{message}: «or» is written «||»"
    return f"{message}: write comparisons like >=1.2, <2, ~1.4, ^2 or 1.2.3"


def _lower(operator: str, numbers: list[int], key: Key) -> _Bound | None:
    """Return the lower end of one comparison; None where it has none."""
    if operator in {"<", "<="}:
        return None
    if operator != ">":
        return _Bound(key, beyond=False)
    is_whole = len(numbers) == _ORDER_OF_CHANGE
    return _Bound(key, beyond=True) if is_whole else _from(_next(numbers, len(numbers)))


def _upper(operator: str, numbers: list[int], key: Key) -> _Bound | None:
    """Return the upper end of one comparison; None where it has none."""
    if operator in {">", ">="}:
        return None
    if operator == "<":
        # Below 2 are no pre-releases of 2; who wants those writes one.
        return _Bound(key, beyond=False) if key[1] != RELEASED else _before(key[0])
    if operator in {"", "=", "<="} and len(numbers) == _ORDER_OF_CHANGE:
        return _Bound(key, beyond=True)
    kept = {"~": min(len(numbers), 2), "^": _first_change(numbers)}.get(operator, len(numbers))
    return _before(_next(numbers, kept))


def _first_change(numbers: list[int]) -> int:
    """Return how many numbers `^` keeps, the last of them one up: to the first that is not 0."""
    for count, number in enumerate(numbers, 1):
        if number:
            return count
    return len(numbers)


def _next(numbers: list[int], count: int) -> Release | None:
    """Return the first release that differs in the first `count` numbers; None without any."""
    return release_of([*numbers[: count - 1], numbers[count - 1] + 1]) if count else None


def _before(release: Release | None) -> _Bound | None:
    """Return the upper end right before a release and its pre-releases."""
    return None if release is None else _Bound((release, _FIRST), beyond=False)


def _from(release: Release | None) -> _Bound:
    """Return the lower end at a release; beyond «any» there is nothing."""
    return _Bound((release or (10**9, 0, 0), RELEASED), beyond=False)
