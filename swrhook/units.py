"""Parse and format durations, sizes and rates: `500ms` `30s` `24h` `30d`, `1MiB`, `100/s`."""

import re
from dataclasses import dataclass
from datetime import timedelta

from swrhook.wording.message import say

_DURATION = re.compile(r"([0-9]{1,9})(ms|s|m|h|d)", re.ASCII)
_DURATION_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
_SIZE = re.compile(r"([0-9]{1,9})(B|KiB|MiB)", re.ASCII)
_SIZE_UNITS = {"B": 1, "KiB": 1024, "MiB": 1024 * 1024}
_MAX_DURATION = timedelta(days=36500)
_RATE = re.compile(r"([1-9][0-9]{0,8})/([smh])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rate:
    """A number of events in a number of seconds."""

    count: int
    seconds: int

    def __str__(self) -> str:
        """Return the rate as written in the configuration file."""
        return f"{self.count}/{format_duration(timedelta(seconds=self.seconds)).removeprefix('1')}"


def parse_duration(text: str) -> timedelta:
    """Parse an integer with a unit, like `30s`. Raises ValueError with a message for people."""
    count, unit = _match(
        _DURATION, text, "a duration: write an integer and ms, s, m, h or d, like 30s"
    )
    duration = count * _DURATION_UNITS[unit]
    if duration > _MAX_DURATION:
        raise ValueError(f'"{text}" is longer than a hundred years')
    return duration


def format_duration(duration: timedelta) -> str:
    """Return the text for parse_duration, in the largest unit that leaves no remainder."""
    unit = next(unit for unit in reversed(_DURATION_UNITS) if not duration % _DURATION_UNITS[unit])
    return f"{duration // _DURATION_UNITS[unit]}{unit}"


def format_span(span: timedelta) -> str:
    """Write a span of time: `0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`."""
    seconds = max(span.total_seconds(), 0.0)
    if seconds < 10:  # noqa: PLR2004  # tenths matter only below
        tenths = f"{seconds:.1f}"
        return say("%(count)s s", count=tenths)
    whole = round(seconds)
    for size, smaller, exact, with_rest in _SPANS:
        if whole >= size:
            sentence = with_rest if whole % size // smaller else exact
            return sentence.using(count=whole // size, rest=whole % size // smaller)
    return say("%(count)s s", count=whole)


_SPANS = (
    (86400, 3600, say("%(count)s d"), say("%(count)s d %(rest)s h")),
    (3600, 60, say("%(count)s h"), say("%(count)s h %(rest)s min")),
    (60, 1, say("%(count)s min"), say("%(count)s min %(rest)s s")),
)


def parse_size(text: str) -> int:
    """Parse an integer with a unit, like `1MiB`, and return bytes.

    Raises ValueError with a message for people.
    """
    count, unit = _match(_SIZE, text, "a size: write an integer and B, KiB or MiB, like 1MiB")
    return count * _SIZE_UNITS[unit]


def parse_rate(text: str) -> Rate:
    """Parse an integer per second, minute or hour, like `100/s`.

    Raises ValueError with a message for people.
    """
    count, unit = _match(_RATE, text, "a rate: write an integer and /s, /m or /h, like 100/s")
    return Rate(count, int(_DURATION_UNITS[unit].total_seconds()))


def _match(pattern: re.Pattern[str], text: str, expected: str) -> tuple[int, str]:
    """Return the integer and the unit of a text."""
    match = pattern.fullmatch(text)
    if match is None:
        raise ValueError(f'"{text}" is not {expected}')
    return int(match[1]), match[2]
