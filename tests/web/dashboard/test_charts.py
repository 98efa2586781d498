from datetime import timedelta

from swrhook.ledger.queries.overview import VerifyTime
from swrhook.web.dashboard.charts import charts
from tests.web.harness import NOW


def test_an_hour_is_a_bar_from_the_median_to_the_95th_percentile() -> None:
    times = [VerifyTime("east", NOW - timedelta(minutes=5), seconds) for seconds in (1, 1, 2, 10)]
    [chart] = charts(times, NOW)
    [bar] = chart.bars

    assert (chart.median, chart.p95, chart.count) == (1, 10, 4)
    marks = {mark.label: mark.at for mark in chart.seconds}
    assert (marks["10 s"], marks["1 s"]) == (bar.top, bar.bottom)
    assert bar.text == "1 to 0 h ago: half within 1.0 s, 95 % within 10.0 s"


def test_all_regions_share_one_scale() -> None:
    times = [VerifyTime("west", NOW, 4000), VerifyTime("east", NOW, 0)]
    east, west = charts(times, NOW)

    assert (east.region, west.region) == ("east", "west")
    assert east.seconds == west.seconds
    assert east.seconds[-1].label == "10 h"
    assert east.bars[0].bottom > west.bars[0].bottom


def test_syncs_older_than_the_chart_have_no_bar() -> None:
    [chart] = charts([VerifyTime("east", NOW - timedelta(hours=25), 1)], NOW)

    assert chart.bars == []
    assert charts([], NOW) == []
