"""The overview: figures, what needs attention, then target regions, times and senders."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response

from swrhook.config.model import Config
from swrhook.ledger.queries import overview as queries
from swrhook.ledger.queries.history import SpanCount, read_history
from swrhook.service.snapshot import Pace, Snapshot
from swrhook.web.access import scope
from swrhook.web.context import WebContext
from swrhook.web.dashboard.alerts import alerts
from swrhook.web.dashboard.charts import Chart, charts
from swrhook.web.dashboard.figures import Overview, count_syncs, read_overview
from swrhook.web.dashboard.formats import TimedCache
from swrhook.web.dashboard.labels import Label
from swrhook.web.dashboard.volume import volume_charts
from swrhook.wording.message import say

# Everyone who has the page open refreshes it every few seconds: the queries are shared.
_CACHED_FOR = timedelta(seconds=2)
_CHARTS_CACHED_FOR = timedelta(seconds=10)
# Counts of a month are made in a thread. They are shown while newer ones are made.
_COUNTING = Pace(interval=10.0, share=0.02, patience=5.0, lifetime=600.0)


def add_overview(blueprint: Blueprint, web: WebContext) -> None:
    """Add the route of the overview."""

    def read_charts() -> Sequence[Chart]:
        now = web.clock.now()
        return charts(web.read(queries.latencies, now), now)

    cached_overview = TimedCache(lambda: read_overview(web), _CACHED_FOR, web.clock)
    cached_charts = TimedCache(read_charts, _CHARTS_CACHED_FOR, web.clock)

    history = Snapshot(lambda: read_history(web.database, web.clock.now()), _COUNTING)

    @blueprint.get("/")
    def overview() -> str | Response:
        if scope() is not None:  # the figures are of all organizations
            return redirect(url_for(".syncs"), HTTPStatus.SEE_OTHER)
        figures, drawn = cached_overview.get(), cached_charts.get()
        counted = history.get()
        counts = None if counted is None else counted.value
        return render_template(
            "dashboard/overview.html",
            alerts=list(alerts(web.health, figures)),
            strip=_strip(None if counts is None else counts.week, figures),
            overview=figures,
            regions=_summarize_regions(web.config.current(), figures, drawn),
            charts=drawn,
            volumes=volume_charts(counts),
            configuration=web.health.configuration(),
            rules=len(web.config.current().rules),
        )


@dataclass(frozen=True, slots=True)
class RegionSummary:
    """The syncs to one target region, and how long verification took in the last 24 hours."""

    name: str
    open: int
    late: int
    held_up: int
    failing: int
    oldest: datetime | None
    chart: Chart | None

    @property
    def status(self) -> Label:
        """Return the label of the worst that is true of the region."""
        if self.failing:
            return Label("✕", "bad", say("failed"))
        if self.held_up:
            return Label("!", "fair", say("held up"))
        if self.late:
            return Label("!", "fair", say("late"))
        return Label("✓", "good", say("healthy"))


def _summarize_regions(
    config: Config, overview: Overview, drawn: Sequence[Chart]
) -> list[RegionSummary]:
    with_syncs = {group.target_region for group in (*overview.open, *overview.failing)}
    targets = {target.region for rule in config.rules for target in rule.sync}
    by_region = {chart.region: chart for chart in drawn}
    names = sorted(with_syncs | targets)
    return [_summarize_region(name, overview, by_region.get(name)) for name in names]


def _summarize_region(name: str, overview: Overview, chart: Chart | None) -> RegionSummary:
    opened, late, held_up, failing = (
        [group for group in groups if group.target_region == name]
        for groups in (overview.open, overview.late, overview.held_up, overview.failing)
    )
    return RegionSummary(
        name,
        open=count_syncs(opened),
        late=count_syncs(late),
        held_up=count_syncs(held_up),
        failing=count_syncs(failing),
        oldest=min((group.oldest for group in opened), default=None),
        chart=chart,
    )


@dataclass(frozen=True, slots=True)
class Strip:
    """The figures at the top: how it went in the last 7 days, and how it is now.

    `arrived` of `ended` syncs are verified; None while they are not counted.
    """

    arrived: int | None
    ended: int | None
    open: int
    failing: int
    is_more: bool

    @property
    def share(self) -> str | None:
        """Return the share of syncs that arrived in percent, None without any."""
        if not self.ended or self.arrived is None:
            return None
        # Never rounded up to all: one that failed has to show.
        return f"{math.floor(self.arrived / self.ended * 1000) / 10:g} %"


def _strip(week: SpanCount | None, overview: Overview) -> Strip:
    groups = (*overview.open, *overview.failing)
    return Strip(
        arrived=None if week is None else week.verified,
        ended=None if week is None else week.verified + week.failed,
        open=count_syncs(overview.open),
        failing=count_syncs(overview.failing),
        is_more=any(syncs.is_more for syncs in groups),
    )
