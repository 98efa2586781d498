"""The first page: what needs a human, then how it goes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Blueprint, render_template, url_for

from swrhook.config.model import Config
from swrhook.ledger.database import Database
from swrhook.ledger.queries.overview import (
    MOST_COUNTED,
    SyncGroup,
    count_quarantined,
    failing_groups,
    held_up_groups,
    latencies,
    open_groups,
    recent_outcomes,
)
from swrhook.ledger.queries.pagination import lowest_id
from swrhook.service.health import Health
from swrhook.service.sender_monitor import SenderActivity, SenderStatus
from swrhook.units import format_duration
from swrhook.web.context import WebContext
from swrhook.web.dashboard.charts import Chart, charts
from swrhook.web.dashboard.formatting import TimedCache, instant
from swrhook.web.dashboard.labels import STATES

# A sync that is under way for longer is late.
LATE = timedelta(minutes=15)
# How long what was found serves everybody who looks.
_FRESH = timedelta(seconds=2)
_CHART_FRESH = timedelta(seconds=10)
_LONGEST_EXAMPLE = 200
_QUARANTINE_SINCE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Alert:
    """What needs a human: how urgent, in words, what to do, and where to look."""

    tone: str
    says: str
    remedy: str
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """What the ledger says at a moment."""

    at: datetime
    open: Sequence[SyncGroup]
    late: Sequence[SyncGroup]
    late_before: datetime
    held_up: Sequence[SyncGroup]
    failing: Sequence[SyncGroup]
    quarantined: int
    senders: Sequence[SenderStatus]
    outcomes: Mapping[str, Mapping[str, int]]


def add_overview(blueprint: Blueprint, web: WebContext) -> None:
    """Add the route."""

    def look() -> Found:
        return _look(web.database, web.senders, web.clock.now())

    def draw() -> Sequence[Chart]:
        with web.database.read() as connection:
            now = web.clock.now()
            return charts(latencies(connection, now), now)

    found = TimedCache(look, _FRESH, web.clock)
    drawn = TimedCache(draw, _CHART_FRESH, web.clock)

    @blueprint.get("/")
    def overview() -> str:
        seen = found()
        return render_template(
            "dashboard/overview.html",
            alerts=[*_of_process(web.health), *_alerts(seen)],
            found=seen,
            regions=_regions(web.config.current(), seen),
            charts=drawn(),
            configuration=web.health.configuration(),
            rules=len(web.config.current().rules),
        )


def _look(database: Database, hearing: SenderActivity, now: datetime) -> Found:
    late_before = now.replace(second=0, microsecond=0) - LATE
    senders = hearing.cached() or ()
    with database.read() as connection:
        return Found(
            at=now,
            open=open_groups(connection),
            late=open_groups(connection, late_before),
            late_before=late_before,
            held_up=held_up_groups(connection),
            failing=failing_groups(connection, now),
            quarantined=count_quarantined(connection, now - _QUARANTINE_SINCE),
            senders=senders,
            outcomes=recent_outcomes(connection, [heard.sender for heard in senders]),
        )


def _of_process(health: Health) -> list[Alert]:
    failing = [
        Alert("bad", f"This process is not ready: {name}: {problem}", "See its log.")
        for name, problem in health.failing().items()
    ]
    return failing + [
        Alert(
            "fair",
            f"{name.capitalize()}: {problem}",
            "Fix the file; it is reloaded within seconds.",
        )
        for name, problem in health.noted().items()
    ]


def _alerts(found: Found) -> list[Alert]:
    return [
        *(_failing(pile) for pile in found.failing),
        *(_late(pile, found.late_before) for pile in found.late),
        *(_silent(heard) for heard in found.senders if heard.is_silent),
        *([_quarantine(found.quarantined)] if found.quarantined else []),
    ]


def _failing(pile: SyncGroup) -> Alert:
    path = url_for(".syncs", show=pile.state, standing="1", region=pile.target_region, since="7d")
    many = _many(pile.count, "tag is", "tags are", more=pile.is_more)
    says = f"{many} {pile.state} in {pile.target_region}: {STATES[pile.state].meaning}."
    remedy = f"{_example(pile)}Each one says why and what to change; then retry it."
    return Alert("bad", says, remedy, path)


def _late(pile: SyncGroup, before: datetime) -> Alert:
    path = url_for(".syncs", show=pile.state, region=pile.target_region, cursor=lowest_id(before))
    many = _many(pile.count, "tag is", "tags are", more=pile.is_more)
    says = f"{many} late for {pile.target_region}: {pile.state} for more than 15 minutes."
    remedy = f"{_example(pile)}Nothing is lost; each one says what it waits for."
    return Alert("fair", says, remedy, path)


def _example(pile: SyncGroup) -> str:
    if pile.example is None:
        return ""
    shortened = pile.example[:_LONGEST_EXAMPLE] + "…" * (len(pile.example) > _LONGEST_EXAMPLE)
    return f"{'Why' if pile.count == 1 else 'One of them'}: {shortened}. "


def _silent(heard: SenderStatus) -> Alert:
    last = heard.last_delivery_at
    since = "has never delivered" if last is None else f"last delivered {instant(last)} UTC"
    expected = "" if heard.expect_every is None else format_duration(heard.expect_every)
    says = f"{heard.sender} is silent: it {since}, expected every {expected}."
    path = url_for(".deliveries", sender=heard.sender)
    return Alert(
        "fair", says, "See on its side whether its webhook is on, and how it was answered.", path
    )


def _quarantine(count: int) -> Alert:
    many = _many(count, "delivery was", "deliveries were", more=count > MOST_COUNTED)
    path = url_for(".deliveries", outcome="quarantined", since="24h")
    says = f"{many} not understood in the last 24 hours."
    return Alert(
        "fair", says, "Kept whole: see what the sender sent, and replay after a change.", path
    )


def _many(count: int, one: str, several: str, *, more: bool) -> str:
    """Write a count; a pile is counted only so far."""
    at_least = "at least " if more else ""
    return f"{at_least}{min(count, MOST_COUNTED):,} {one if count == 1 else several}"


@dataclass(frozen=True, slots=True)
class RegionNow:
    """How much is under way towards a region, how much of it waits and why, and what has failed."""

    name: str
    open: int
    late: int
    held_up: int
    why: str
    failing: int
    oldest: datetime | None


def _regions(config: Config, found: Found) -> list[RegionNow]:
    named = {pile.target_region for pile in (*found.open, *found.failing)}
    targets = {target.region for rule in config.rules for target in rule.sync}
    return [
        RegionNow(
            name,
            _sum(found.open, name),
            _sum(found.late, name),
            _sum(found.held_up, name),
            next((_example(pile) for pile in found.held_up if pile.target_region == name), ""),
            _sum(found.failing, name),
            min((pile.oldest for pile in found.open if pile.target_region == name), default=None),
        )
        for name in sorted(named | targets)
    ]


def _sum(piles: Sequence[SyncGroup], region: str) -> int:
    return sum(pile.count for pile in piles if pile.target_region == region)
