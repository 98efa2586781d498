"""What needs attention on the overview: one alert for each cause, with what to do about it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flask import url_for

from swrhook.ledger.auto_sync_overlaps import SeenOverlap
from swrhook.ledger.queries.overview import MOST_COUNTED, SyncGroup
from swrhook.ledger.queries.pagination import lowest_id
from swrhook.ledger.rows import group
from swrhook.service.health import Health
from swrhook.service.sender_monitor import SenderStatus
from swrhook.syncs.auto_sync import REMEDY
from swrhook.syncs.pauses import Pause
from swrhook.units import format_duration, format_span
from swrhook.usecases.explain.text import capitalize
from swrhook.web.dashboard.figures import Overview, count_syncs
from swrhook.web.dashboard.formats import instant
from swrhook.web.dashboard.labels import STATES

_LONGEST_EXAMPLE = 200


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that needs attention: its tone (a CSS class), text, remedy, and a link to it."""

    tone: str
    text: str
    remedy: str
    path: str | None = None


def alerts(health: Health, overview: Overview) -> Iterator[Alert]:
    """Yield the alerts, the worst first."""
    for name, problem in health.failing().items():
        yield Alert("bad", f"This process is not ready: {name}: {problem}", "See its log.")
    mistake = health.noted().get("configuration")
    if mistake is not None:
        remedy = "Fix the file; it is reloaded within seconds."
        yield Alert("fair", f"Configuration: {mistake}", remedy)
    yield from map(_paused, overview.pauses)
    yield from (_failed(groups) for groups in _by_cause(overview.failing))
    yield from (_held_up(groups) for groups in _by_cause(overview.held_up))
    yield from (_late(groups, overview) for groups in _by_cause(overview.late))
    yield from (_silent(status) for status in overview.senders if status.is_silent)
    if overview.quarantined:
        yield _quarantined(overview.quarantined)
    if overview.overlaps:
        yield _overlapping(overview.overlaps)


def _paused(pause: Pause) -> Alert:
    text = f"{capitalize(str(pause))}."
    remedy = f"By {pause.by} since {instant(pause.since)}. Its syncs wait, and go on afterwards."
    return Alert("fair", text, remedy, url_for(".pauses"))


def _by_cause(groups: Sequence[SyncGroup]) -> Iterator[Sequence[SyncGroup]]:
    """Put the groups of all regions that are in one state for one reason together."""
    by_cause = group(((syncs.state, syncs.example), syncs) for syncs in groups)
    yield from by_cause.values()


def _failed(groups: Sequence[SyncGroup]) -> Alert:
    first = groups[0]
    text = f"{_tags(groups)} {first.state} in {_regions(groups)}: {STATES[first.state].meaning}."
    remedy = f"{_example(first)}Open the list: each sync says what to change; then retry them."
    path = url_for(".syncs", show=first.state, standing="1", region=_region(groups), since="7d")
    return Alert("bad", text, remedy, path)


def _held_up(groups: Sequence[SyncGroup]) -> Alert:
    text = f"{_tags(groups)} held up on the way to {_regions(groups)}."
    remedy = f"{_example(groups[0])}Nothing is lost: they are retried until retry.deadline."
    path = url_for(".syncs", show=groups[0].state, region=_region(groups))
    return Alert("fair", text, remedy, path)


def _late(groups: Sequence[SyncGroup], overview: Overview) -> Alert:
    # Ids sort by time: this cursor leaves out what is younger.
    first, cursor = groups[0], lowest_id(overview.late_before)
    path = url_for(".syncs", show=first.state, region=_region(groups), cursor=cursor)
    where = _regions(groups)
    late_after = format_span(overview.late_after)
    text = f"{_tags(groups)} late for {where}: {first.state} for more than {late_after}."
    remedy = f"{_example(first)}Nothing is lost; each sync's page says what it waits for."
    return Alert("fair", text, remedy, path)


def _tags(groups: Sequence[SyncGroup]) -> str:
    return _format_count(
        count_syncs(groups), "tag is", "tags are", more=any(syncs.is_more for syncs in groups)
    )


def _regions(groups: Sequence[SyncGroup]) -> str:
    *others, last = sorted(syncs.target_region for syncs in groups)
    return f"{', '.join(others)} and {last}" if others else last


def _region(groups: Sequence[SyncGroup]) -> str | None:
    """Return the region of the groups for a filter, None if there are several."""
    return groups[0].target_region if len(groups) == 1 else None


def _example(group: SyncGroup) -> str:
    if group.example is None:
        return ""
    shortened = group.example[:_LONGEST_EXAMPLE] + "…" * (len(group.example) > _LONGEST_EXAMPLE)
    return f"{'Why' if group.count == 1 else 'Example'}: {shortened.rstrip('.')}. "


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
    is_more = count > MOST_COUNTED
    counted = min(count, MOST_COUNTED)
    deliveries = _format_count(counted, "delivery was", "deliveries were", more=is_more)
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
    """Write a count with its noun; with `more`, not all were counted."""
    at_least = "at least " if more else ""
    return f"{at_least}{count:,} {one if count == 1 else several}"
