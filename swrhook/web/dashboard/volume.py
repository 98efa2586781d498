"""Charts of how many syncs arrived and failed: the geometry, which a template draws as SVG."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from swrhook.ledger.queries.history import History, SpanCount

WIDTH, HEIGHT = 520, 110
_LEFT, _RIGHT, _TOP, _BOTTOM = 6, 514, 18, 90
_GAP = 2
# With more columns than this, there is no room for their numbers.
_MOST_NUMBERS = 6


@dataclass(frozen=True, slots=True)
class Column:
    """A span of time: the heights of what failed and what was verified, and the same in words."""

    x: float
    width: float
    top: float
    failed_height: float
    verified_height: float
    number: str
    name: str
    verified: int
    failed: int

    @property
    def middle(self) -> float:
        """Return where its number stands."""
        return round(self.x + self.width / 2, 1)


@dataclass(frozen=True, slots=True)
class VolumeChart:
    """The columns of a chart, and the sums; `first` and `last` name its ends."""

    columns: Sequence[Column]
    verified: int
    failed: int
    most: int
    first: str
    last: str


def volume_charts(history: History | None) -> tuple[VolumeChart, VolumeChart] | None:
    """Return the charts of the last hours and days; None while they are not counted yet."""
    if history is None:
        return None
    return _chart(history.hours, _name_hour), _chart(history.days, _name_day)


def _name_hour(since: datetime) -> str:
    return f"{since:%H:%M}"


def _name_day(since: datetime) -> str:
    return f"{since:%Y-%m-%d}"


def _chart(counts: Sequence[SpanCount], name: Callable[[datetime], str]) -> VolumeChart:
    most = max(count.verified + count.failed for count in counts)
    is_sparse = sum(count.verified + count.failed > 0 for count in counts) <= _MOST_NUMBERS
    width = (_RIGHT - _LEFT) / len(counts)
    columns = [
        _column(
            _LEFT + width * place,
            width - _GAP,
            count,
            most,
            name(count.since),
            has_number=is_sparse,
        )
        for place, count in enumerate(counts)
        if count.verified or count.failed
    ]
    return VolumeChart(
        columns,
        sum(count.verified for count in counts),
        sum(count.failed for count in counts),
        most,
        name(counts[0].since),
        name(counts[-1].since),
    )


def _column(
    x: float, width: float, count: SpanCount, most: int, name: str, *, has_number: bool
) -> Column:
    scale = (_BOTTOM - _TOP) / most
    total = count.verified + count.failed
    # What failed is visible, however little of the whole it is.
    failed = max(count.failed * scale, 2.0) if count.failed else 0.0
    verified = max(total * scale - failed, 1.0 if count.verified else 0.0)
    return Column(
        round(x, 1),
        round(width, 1),
        round(_BOTTOM - failed - verified, 1),
        round(failed, 1),
        round(verified, 1),
        f"{total:,}" if has_number else "",
        name,
        count.verified,
        count.failed,
    )
