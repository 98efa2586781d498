"""Durations, sizes and rates as people write them: `500ms` `30s` `24h` `30d`, `1MiB`, `100/s`."""

import re
from dataclasses import dataclass
from datetime import timedelta

_DURATION = re.compile(r"([0-9]{1,9})(ms|s|m|h|d)", re.ASCII)
_UNITS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
_SIZE = re.compile(r"([0-9]{1,9})(B|KiB|MiB)", re.ASCII)
_SIZES = {"B": 1, "KiB": 1024, "MiB": 1024 * 1024}
_LONGEST = timedelta(days=36500)
_RATE = re.compile(r"([1-9][0-9]{0,8})/([smh])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Rate:
    """So many in so many seconds."""

    count: int
    seconds: int

    def __str__(self) -> str:
        """Write it as in the file."""
        unit = next(unit for unit, one in _UNITS.items() if one.total_seconds() == self.seconds)
        return f"{self.count}/{unit}"


def parse_duration(text: str) -> timedelta:
    """Read an integer with a unit. Raises ValueError with what is wrong in words."""
    match = _DURATION.fullmatch(text)
    if match is None:
        message = f"«{text}» is not a duration: write an integer and ms, s, m, h or d, like 30s"
        raise ValueError(message)
    duration = int(match[1]) * _UNITS[match[2]]
    if duration > _LONGEST:
        message = f"«{text}» is longer than a hundred years"
        raise ValueError(message)
    return duration


def format_duration(duration: timedelta) -> str:
    """Write what parse_duration reads, in the largest unit that leaves no rest."""
    unit = next(unit for unit in reversed(_UNITS) if not duration % _UNITS[unit])
    return f"{duration // _UNITS[unit]}{unit}"


def parse_size(text: str) -> int:
    """Read an integer with a unit and return bytes. Raises ValueError in words."""
    match = _SIZE.fullmatch(text)
    if match is None:
        message = f"«{text}» is not a size: write an integer and B, KiB or MiB, like 1MiB"
        raise ValueError(message)
    return int(match[1]) * _SIZES[match[2]]


def parse_rate(text: str) -> Rate:
    """Read an integer for each second, minute or hour. Raises ValueError in words."""
    match = _RATE.fullmatch(text)
    if match is None:
        message = f"«{text}» is not a rate: write an integer and /s, /m or /h, like 100/s"
        raise ValueError(message)
    return Rate(int(match[1]), int(_UNITS[match[2]].total_seconds()))
