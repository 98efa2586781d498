"""The chart of how long the proof took: its geometry, for a template to draw as SVG.

One small chart for each region, all with the same scales: an hour is a bar from the median to the
95th percentile. The scale of seconds is logarithmic: 2 s and 2 min are both to be seen.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from swrhook.ledger.queries.overview import VerifyTime
from swrhook.ledger.queries.stats import percentile

HOURS = 24
WIDTH, HEIGHT = 340, 120
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 332, 8, 98
_MARKS = {
    0.1: "0.1 s",
    1: "1 s",
    10: "10 s",
    60: "1 min",
    600: "10 min",
    3600: "1 h",
    36000: "10 h",
}
_HOURS_MARKED = {24: "24 h ago", 18: "18 h", 12: "12 h", 6: "6 h", 0: "now"}


@dataclass(frozen=True, slots=True)
class Mark:
    """A line of the grid, and its label."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Bar:
    """An hour: where the bar stands, from the 95th percentile down to the median, and in words."""

    x: float
    top: float
    bottom: float
    says: str


@dataclass(frozen=True, slots=True)
class Chart:
    """One region's chart; `median` and `most` (the 95th percentile) of the day, in seconds."""

    region: str
    count: int
    median: float
    most: float
    bars: Sequence[Bar]
    seconds: Sequence[Mark]
    hours: Sequence[Mark]


def charts(found: Sequence[VerifyTime], now: datetime) -> list[Chart]:
    """Return a chart for each region that something was verified in, by name."""
    if not found:
        return []
    highest = max(took.seconds for took in found)
    top = next((mark for mark in _MARKS if mark >= highest), max(_MARKS))
    top = max(top, 10)
    by_region: dict[str, list[VerifyTime]] = {}
    for took in found:
        by_region.setdefault(took.target_region, []).append(took)
    return [_chart(region, by_region[region], top, now) for region in sorted(by_region)]


def _chart(region: str, found: Sequence[VerifyTime], top: float, now: datetime) -> Chart:
    by_hour: dict[int, list[float]] = {}
    for took in found:
        by_hour.setdefault((now - took.recorded_at) // timedelta(hours=1), []).append(took.seconds)
    everything = sorted(took.seconds for took in found)
    return Chart(
        region,
        len(found),
        percentile(everything, 50),
        percentile(everything, 95),
        [
            _bar(hour, sorted(by_hour[hour]), top)
            for hour in sorted(by_hour, reverse=True)
            if hour < HOURS
        ],
        [Mark(_y(value, top), label) for value, label in _MARKS.items() if value <= top],
        [Mark(_x(hour), _HOURS_MARKED[hour]) for hour in _HOURS_MARKED],
    )


def _bar(hour: int, seconds: Sequence[float], top: float) -> Bar:
    median, most = percentile(seconds, 50), percentile(seconds, 95)
    says = f"{hour + 1} to {hour} h ago: half within {median:.1f} s, 95 % within {most:.1f} s"
    return Bar(_x(hour + 0.5), _y(most, top), _y(median, top), says)


def _x(hours_ago: float) -> float:
    return round(_RIGHT - (_RIGHT - _LEFT) * hours_ago / HOURS, 1)


def _y(seconds: float, top: float) -> float:
    lowest = min(_MARKS)
    share = math.log(min(max(seconds, lowest), top) / lowest) / math.log(top / lowest)
    return round(_BOTTOM - (_BOTTOM - _TOP) * share, 1)
