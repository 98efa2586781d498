from datetime import timedelta

from swrhook.ledger.queries.overview import VerifyTime
from swrhook.web.dashboard.charts import charts
from swrhook.web.dashboard.formatting import TimedCache, format_seconds
from tests.factories import FakeClock
from tests.web.parts import NOW


def test_an_hour_is_a_bar_from_the_median_to_the_95th_percentile() -> None:
    found = [VerifyTime("east", NOW - timedelta(minutes=5), seconds) for seconds in (1, 1, 2, 10)]
    [chart] = charts(found, NOW)
    [bar] = chart.bars

    assert (chart.median, chart.p95, chart.count) == (1, 10, 4)
    marks = {mark.label: mark.at for mark in chart.seconds}
    assert (marks["10 s"], marks["1 s"]) == (bar.top, bar.bottom)
    assert bar.text == "1 to 0 h ago: half within 1.0 s, 95 % within 10.0 s"


def test_every_region_has_the_same_scale() -> None:
    found = [VerifyTime("west", NOW, 4000), VerifyTime("east", NOW, 0)]
    east, west = charts(found, NOW)

    assert (east.region, west.region) == ("east", "west")
    assert east.seconds == west.seconds
    assert east.seconds[-1].label == "10 h"
    assert east.bars[0].bottom > west.bars[0].bottom


def test_what_is_older_than_the_chart_is_left_out() -> None:
    [chart] = charts([VerifyTime("east", NOW - timedelta(hours=25), 1)], NOW)

    assert chart.bars == []
    assert charts([], NOW) == []


def test_spans_are_written_for_people() -> None:
    assert [format_seconds(seconds) for seconds in (0.41, 12, 185, 3600, 7800, 273600)] == [
        "0.4 s",
        "12 s",
        "3 min 5 s",
        "1 h",
        "2 h 10 min",
        "3 d 4 h",
    ]


def test_what_was_found_serves_everybody_for_a_while() -> None:
    clock = FakeClock(NOW)
    looks: list[int] = []

    def look() -> int:
        looks.append(1)
        return len(looks)

    cache = TimedCache(look, timedelta(seconds=2), clock)
    first = cache.get(), cache.get()
    clock.advance(2)
    later = cache.get()
    clock.advance(hours=-1)  # a clock that is set back

    assert (first, later, cache.get()) == ((1, 1), 2, 3)
