"""The overview: what needs attention, then target regions, verification times and senders."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response

from swrhook.config.model import Config
from swrhook.ledger.auto_sync_overlaps import SeenOverlap, list_overlaps
from swrhook.ledger.queries import overview as queries
from swrhook.ledger.queries.overview import MOST_COUNTED, SyncGroup
from swrhook.ledger.queries.pagination import lowest_id
from swrhook.service.health import Health
from swrhook.service.sender_monitor import SenderStatus
from swrhook.syncs.auto_sync import REMEDY
from swrhook.units import format_duration
from swrhook.web.access import scope
from swrhook.web.context import WebContext
from swrhook.web.dashboard.charts import Chart, charts
from swrhook.web.dashboard.formats import TimedCache, instant
from swrhook.web.dashboard.labels import STATES

# An open sync is late after this time.
LATE = timedelta(minutes=15)
# Everyone who has the page open refreshes it every few seconds: the queries are shared.
_CACHED_FOR = timedelta(seconds=2)
_CHARTS_CACHED_FOR = timedelta(seconds=10)
_LONGEST_EXAMPLE = 200
_QUARANTINE_SINCE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that needs attention: its tone (a CSS class), text, remedy, and a link to it."""

    tone: str
    text: str
    remedy: str
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """The ledger's figures for the page."""

    open: Sequence[SyncGroup]
    late: Sequence[SyncGroup]
    late_before: datetime
    held_up: Sequence[SyncGroup]
    failing: Sequence[SyncGroup]
    quarantined: int
    overlaps: Sequence[SeenOverlap]
    senders: Sequence[SenderStatus]
    outcomes: Mapping[str, Mapping[str, int]]


def add_overview(blueprint: Blueprint, web: WebContext) -> None:
    """Add the route of the overview."""

    def read_charts() -> Sequence[Chart]:
        now = web.clock.now()
        return charts(web.read(queries.latencies, now), now)

    cached_overview = TimedCache(lambda: _read_overview(web), _CACHED_FOR, web.clock)
    cached_charts = TimedCache(read_charts, _CHARTS_CACHED_FOR, web.clock)

    @blueprint.get("/")
    def overview() -> str | Response:
        if scope() is not None:  # the figures are of all organizations
            return redirect(url_for(".syncs"), HTTPStatus.SEE_OTHER)
        figures = cached_overview.get()
        return render_template(
            "dashboard/overview.html",
            alerts=list(_alerts(web.health, figures)),
            overview=figures,
            regions=_summarize_regions(web.config.current(), figures),
            charts=cached_charts.get(),
            configuration=web.health.configuration(),
            rules=len(web.config.current().rules),
        )


def _read_overview(web: WebContext) -> Overview:
    now = web.clock.now()
    # A whole minute: the link of an alert stays the same while the page refreshes.
    late_before = now.replace(second=0, microsecond=0) - LATE
    senders = web.senders.cached() or ()
    with web.database.read() as connection:
        return Overview(
            open=queries.open_groups(connection),
            late=queries.open_groups(connection, late_before),
            late_before=late_before,
            held_up=queries.held_up_groups(connection),
            failing=queries.failing_groups(connection, now),
            quarantined=queries.count_quarantined(connection, now - _QUARANTINE_SINCE),
            overlaps=list_overlaps(connection),
            senders=senders,
            outcomes=queries.recent_outcomes(connection, [status.sender for status in senders]),
        )


def _alerts(health: Health, overview: Overview) -> Iterator[Alert]:
    for name, problem in health.failing().items():
        yield Alert("bad", f"This process is not ready: {name}: {problem}", "See its log.")
    for name, problem in health.noted().items():
        remedy = "Fix the file; it is reloaded within seconds."
        yield Alert("fair", f"{name.capitalize()}: {problem}", remedy)
    yield from (_failed(group) for group in overview.failing)
    yield from (_late(group, overview.late_before) for group in overview.late)
    yield from (_silent(status) for status in overview.senders if status.is_silent)
    if overview.quarantined:
        yield _quarantined(overview.quarantined)
    if overview.overlaps:
        yield _overlapping(overview.overlaps)


def _failed(group: SyncGroup) -> Alert:
    path = url_for(".syncs", show=group.state, standing="1", region=group.target_region, since="7d")
    tags = _format_count(group.count, "tag is", "tags are", more=group.is_more)
    text = f"{tags} {group.state} in {group.target_region}: {STATES[group.state].meaning}."
    remedy = f"{_example(group)}Each sync's page says why, and what to change; then retry it."
    return Alert("bad", text, remedy, path)


def _late(group: SyncGroup, before: datetime) -> Alert:
    # Ids sort by time: this cursor leaves out what is younger.
    cursor = lowest_id(before)
    path = url_for(".syncs", show=group.state, region=group.target_region, cursor=cursor)
    tags = _format_count(group.count, "tag is", "tags are", more=group.is_more)
    text = f"{tags} late for {group.target_region}: {group.state} for more than 15 minutes."
    remedy = f"{_example(group)}Nothing is lost; each sync's page says what it waits for."
    return Alert("fair", text, remedy, path)


def _example(group: SyncGroup) -> str:
    if group.example is None:
        return ""
    shortened = group.example[:_LONGEST_EXAMPLE] + "…" * (len(group.example) > _LONGEST_EXAMPLE)
    return f"{'Why' if group.count == 1 else 'Example'}: {shortened}. "


def _silent(status: SenderStatus) -> Alert:
    last = status.last_delivery_at
    since = "has never delivered" if last is None else f"last delivered {instant(last)} UTC"
    expected = "" if status.expect_every is None else format_duration(status.expect_every)
    return Alert(
        "fair",
        f"{status.sender} is silent: it {since}, expected every {expected}.",
        "Check in the sending system whether its webhook is enabled, and what answers it got.",
        url_for(".deliveries", sender=status.sender),
    )


def _quarantined(count: int) -> Alert:
    deliveries = _format_count(count, "delivery was", "deliveries were", more=count > MOST_COUNTED)
    return Alert(
        "fair",
        f"{deliveries} not understood in the last 24 hours.",
        "They are stored whole: see what was sent, and replay them after a change.",
        url_for(".deliveries", outcome="quarantined", since="24h"),
    )


def _overlapping(overlaps: Sequence[SeenOverlap]) -> Alert:
    contradictions = [seen for seen in overlaps if seen.overlap.is_contradiction]
    seen, *_ = contradictions or overlaps
    verb = "contradicts" if contradictions else "duplicates"
    return Alert(
        "fair",
        f"SWR's own automatic synchronization {verb} the rules: {seen.repository.key}: "
        f"{seen.overlap}.",
        f"{REMEDY[0].upper()}{REMEDY[1:]}.",
        url_for(".rules", _anchor="automatic"),
    )


def _format_count(count: int, one: str, several: str, *, more: bool) -> str:
    """Write a count with its noun; counting stops at MOST_COUNTED."""
    at_least = "at least " if more else ""
    return f"{at_least}{min(count, MOST_COUNTED):,} {one if count == 1 else several}"


@dataclass(frozen=True, slots=True)
class RegionSummary:
    """The syncs to one target region; `why` is an example of what holds them up."""

    name: str
    open: int
    late: int
    held_up: int
    why: str
    failing: int
    oldest: datetime | None


def _summarize_regions(config: Config, overview: Overview) -> list[RegionSummary]:
    with_syncs = {group.target_region for group in (*overview.open, *overview.failing)}
    targets = {target.region for rule in config.rules for target in rule.sync}
    return [_summarize_region(name, overview) for name in sorted(with_syncs | targets)]


def _summarize_region(name: str, overview: Overview) -> RegionSummary:
    opened, late, held_up, failing = (
        [group for group in groups if group.target_region == name]
        for groups in (overview.open, overview.late, overview.held_up, overview.failing)
    )
    return RegionSummary(
        name,
        open=_count(opened),
        late=_count(late),
        held_up=_count(held_up),
        why=_example(held_up[0]) if held_up else "",
        failing=_count(failing),
        oldest=min((group.oldest for group in opened), default=None),
    )


def _count(groups: Sequence[SyncGroup]) -> int:
    return sum(group.count for group in groups)
