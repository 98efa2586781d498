"""Charts of verification times: the geometry, which a template draws as SVG.

There is a small chart for each region, all with the same scales. Each hour is a bar from the median
to the 95th percentile. The axis of seconds is logarithmic, so that 2 s and 2 min are both visible.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from swrhook.ledger.queries.overview import VerifyTime
from swrhook.ledger.queries.stats import percentile
from swrhook.wording.message import say

HOURS = 24
WIDTH, HEIGHT = 340, 120
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 332, 8, 98
_SECOND_MARKS = {
    0.1: say("0.1 s"),
    1: say("1 s"),
    10: say("10 s"),
    60: say("1 min"),
    600: say("10 min"),
    3600: say("1 h"),
    36000: say("10 h"),
}
_HOUR_MARKS = {
    24: say("24 h ago"),
    18: say("18 h"),
    12: say("12 h"),
    6: say("6 h"),
    0: say("now"),
}


@dataclass(frozen=True, slots=True)
class Mark:
    """A label of an axis; `at` is its coordinate."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Bar:
    """An hour: from the 95th percentile (`top`) down to the median (`bottom`), and as text."""

    x: float
    top: float
    bottom: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """One region's chart; `median` and `p95` are those of the day, in seconds."""

    region: str
    count: int
    median: float
    p95: float
    bars: Sequence[Bar]
    seconds: Sequence[Mark]
    hours: Sequence[Mark]


def charts(times: Sequence[VerifyTime], now: datetime) -> list[Chart]:
    """Return a chart for each region with verified syncs, sorted by name."""
    if not times:
        return []
    highest = max(time.seconds for time in times)
    top = next((mark for mark in _SECOND_MARKS if mark >= max(highest, 10)), max(_SECOND_MARKS))
    by_region: dict[str, list[VerifyTime]] = {}
    for time in times:
        by_region.setdefault(time.target_region, []).append(time)
    return [_chart(region, by_region[region], top, now) for region in sorted(by_region)]


def _chart(region: str, times: Sequence[VerifyTime], top: float, now: datetime) -> Chart:
    by_hour: dict[int, list[float]] = {}
    for time in times:
        by_hour.setdefault((now - time.recorded_at) // timedelta(hours=1), []).append(time.seconds)
    hours = sorted((hour for hour in by_hour if hour < HOURS), reverse=True)
    seconds = sorted(time.seconds for time in times)
    return Chart(
        region,
        len(times),
        percentile(seconds, 50),
        percentile(seconds, 95),
        [_bar(hour, sorted(by_hour[hour]), top) for hour in hours],
        [Mark(_y(value, top), label) for value, label in _SECOND_MARKS.items() if value <= top],
        [Mark(_x(hour), _HOUR_MARKS[hour]) for hour in _HOUR_MARKS],
    )


def _bar(hour: int, seconds: Sequence[float], top: float) -> Bar:
    median, p95 = percentile(seconds, 50), percentile(seconds, 95)
    span = {"from": hour + 1, "to": hour}
    text = say(
        "%(from)s to %(to)s h ago: half within %(median)s s, 95 %% within %(p95)s s",
        median=_tenths(median),
        p95=_tenths(p95),
        **span,
    )
    return Bar(_x(hour + 0.5), _y(p95, top), _y(median, top), text)


def _tenths(seconds: float) -> str:
    return f"{seconds:.1f}"


def _x(hours_ago: float) -> float:
    return round(_RIGHT - (_RIGHT - _LEFT) * hours_ago / HOURS, 1)


def _y(seconds: float, top: float) -> float:
    lowest = min(_SECOND_MARKS)
    share = math.log(min(max(seconds, lowest), top) / lowest) / math.log(top / lowest)
    return round(_BOTTOM - (_BOTTOM - _TOP) * share, 1)
