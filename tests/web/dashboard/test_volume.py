"""The charts of how many syncs arrived and failed."""

from datetime import timedelta

from swrhook.ledger.queries.history import DAY, History, SpanCount, count_spans
from swrhook.syncs.states import Event
from swrhook.web.dashboard.volume import volume_charts
from tests.web.harness import NOW, WebHarness
from tests.web.test_query_plans import plans_of


def test_syncs_are_counted_by_day_along_an_index(harness: WebHarness) -> None:
    [sync] = harness.push("team/web:v1").syncs
    harness.happen(sync.id, Event.VERIFY_WITHOUT_CALL)
    today = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
    with harness.database.read() as connection:
        days = [today - DAY, today, today + DAY]
        counts = count_spans(connection, days)
        is_sqlite = connection.dialect.name == "sqlite"
        plans = plans_of(connection, lambda: count_spans(connection, days)) if is_sqlite else []

    assert counts == [SpanCount(today - DAY, 0, 0), SpanCount(today, 1, 0)]
    search = "SEARCH syncs USING COVERING INDEX syncs_by_state (state=? AND id>? AND id<?)"
    assert [plan for plan in plans if search not in plan] == []


def test_one_column_says_its_number_and_little_failure_is_visible() -> None:
    empty = [SpanCount(NOW - timedelta(hours=n), 0, 0) for n in range(23, 0, -1)]
    nothing = SpanCount(NOW, 0, 0)
    history = History(nothing, [*empty, SpanCount(NOW, 999, 1)], [nothing])
    charts = volume_charts(history)
    assert charts is not None
    [column] = charts[0].columns

    assert (column.number, column.failed_height) == ("1,000", 2.0)
    assert (charts[0].verified, charts[0].failed) == (999, 1)
    assert charts[1].columns == []
