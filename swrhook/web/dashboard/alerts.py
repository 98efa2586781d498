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
from swrhook.web.dashboard.figures import Overview, count_syncs
from swrhook.web.dashboard.formats import instant, shorten_digests
from swrhook.web.dashboard.labels import STATES, to_word
from swrhook.wording.message import say, say_count, say_list, to_sentence

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
        text = say("This process is not ready: %(name)s: %(problem)s", name=name, problem=problem)
        yield Alert("bad", text, say("See its log."))
    mistake = health.noted().get("configuration")
    if mistake is not None:
        remedy = say(
            "`swrhook check` lists its mistakes. Fix them: the file is reloaded within seconds."
        )
        yield Alert("fair", say("Configuration: %(problem)s", problem=mistake), remedy)
    doubt = health.noted().get("rules")
    if doubt is not None:
        remedy = say("Review what they would change, then accept them or undo the edit.")
        yield Alert("fair", say("Rules: %(problem)s", problem=doubt), remedy, url_for(".rules"))
    yield from map(_paused, overview.pauses)
    yield from (_failed(groups) for groups in _by_cause(overview.failing))
    yield from (_held_up(groups) for groups in _by_cause(overview.held_up))
    # What is held up long enough is late, too: that is one alert.
    causes = {(syncs.state, syncs.example) for syncs in overview.held_up}
    late = [syncs for syncs in overview.late if (syncs.state, syncs.example) not in causes]
    yield from (_late(groups, overview) for groups in _by_cause(late))
    yield from (_silent(status) for status in overview.senders if status.is_silent)
    if overview.quarantined:
        yield _quarantined(overview.quarantined)
    if overview.overlaps:
        yield _overlapping(overview.overlaps)


def _paused(pause: Pause) -> Alert:
    remedy = say(
        "By %(who)s since %(time)s. Its syncs wait, and go on afterwards.",
        who=pause.by,
        time=instant(pause.since),
    )
    return Alert("fair", to_sentence(pause.description), remedy, url_for(".pauses"))


def _by_cause(groups: Sequence[SyncGroup]) -> Iterator[Sequence[SyncGroup]]:
    """Put the groups of all regions that are in one state for one reason together."""
    by_cause = group(((syncs.state, syncs.example), syncs) for syncs in groups)
    yield from by_cause.values()


def _failed(groups: Sequence[SyncGroup]) -> Alert:
    first = groups[0]
    text = say_count(
        "%(tags)s tag is %(state)s in %(regions)s: %(meaning)s.",
        "%(tags)s tags are %(state)s in %(regions)s: %(meaning)s.",
        count_syncs(groups),
        tags=_tags(groups),
        state=to_word(first.state),
        regions=_regions(groups),
        meaning=STATES[first.state].meaning,
    )
    remedy = say("Open the list: each sync says what to change; then retry them.")
    path = url_for(".syncs", show=first.state, standing="1", region=_region(groups), since="7d")
    return Alert("bad", text, _after_example(first, remedy), path)


def _held_up(groups: Sequence[SyncGroup]) -> Alert:
    text = say_count(
        "%(tags)s tag is held up on the way to %(regions)s.",
        "%(tags)s tags are held up on the way to %(regions)s.",
        count_syncs(groups),
        tags=_tags(groups),
        regions=_regions(groups),
    )
    remedy = say("Nothing is lost: they are retried until retry.deadline.")
    path = url_for(".syncs", show=groups[0].state, region=_region(groups))
    return Alert("fair", text, _after_example(groups[0], remedy), path)


def _late(groups: Sequence[SyncGroup], overview: Overview) -> Alert:
    # Ids sort by time: this cursor leaves out what is younger.
    first, cursor = groups[0], lowest_id(overview.late_before)
    path = url_for(".syncs", show=first.state, region=_region(groups), cursor=cursor)
    text = say_count(
        "%(tags)s tag is late for %(regions)s: %(state)s for more than %(span)s.",
        "%(tags)s tags are late for %(regions)s: %(state)s for more than %(span)s.",
        count_syncs(groups),
        tags=_tags(groups),
        regions=_regions(groups),
        state=to_word(first.state),
        span=format_span(overview.late_after),
    )
    remedy = say("Nothing is lost; each sync's page says what it waits for.")
    return Alert("fair", text, _after_example(first, remedy), path)


def _tags(groups: Sequence[SyncGroup]) -> str:
    return _format_count(count_syncs(groups), more=any(syncs.is_more for syncs in groups))


def _regions(groups: Sequence[SyncGroup]) -> str:
    *others, last = sorted(syncs.target_region for syncs in groups)
    return say("%(others)s and %(last)s", others=say_list(others), last=last) if others else last


def _region(groups: Sequence[SyncGroup]) -> str | None:
    """Return the region of the groups for a filter, None if there are several."""
    return groups[0].target_region if len(groups) == 1 else None


def _after_example(group: SyncGroup, remedy: str) -> str:
    if group.example is None:
        return remedy
    return say_count(
        "Why: %(example)s. %(remedy)s",
        "Example: %(example)s. %(remedy)s",
        group.count,
        example=_shorten(shorten_digests(group.example)),
        remedy=remedy,
    )


def _shorten(example: str) -> str:
    if len(example) > _LONGEST_EXAMPLE:
        return f"{example[:_LONGEST_EXAMPLE]}…"
    return example.rstrip(".") if example.endswith(".") else example


def _silent(status: SenderStatus) -> Alert:
    last = status.last_delivery_at
    expected = "" if status.expect_every is None else format_duration(status.expect_every)
    sentence = _NEVER_DELIVERED if last is None else _LAST_DELIVERED
    return Alert(
        "fair",
        sentence.using(
            sender=status.sender, every=expected, last="" if last is None else instant(last)
        ),
        say("Check in the sending system whether its webhook is enabled, and what answers it got."),
        url_for(".deliveries", sender=status.sender),
    )


_NEVER_DELIVERED = say("%(sender)s is silent: it has never delivered, expected every %(every)s.")
_LAST_DELIVERED = say(
    "%(sender)s is silent: it last delivered %(last)s UTC, expected every %(every)s."
)


def _quarantined(count: int) -> Alert:
    counted = min(count, MOST_COUNTED)
    return Alert(
        "fair",
        say_count(
            "%(deliveries)s delivery was not understood in the last 24 hours.",
            "%(deliveries)s deliveries were not understood in the last 24 hours.",
            counted,
            deliveries=_format_count(counted, more=count > MOST_COUNTED),
        ),
        say("They are stored in full: see what was sent, fix the configuration, then replay them."),
        url_for(".deliveries", outcome="quarantined", since="24h"),
    )


def _overlapping(overlaps: Sequence[SeenOverlap]) -> Alert:
    contradictions = [seen for seen in overlaps if seen.overlap.is_contradiction]
    seen, *_ = contradictions or overlaps
    sentence = _CONTRADICTED if contradictions else _DUPLICATED
    return Alert(
        "fair",
        sentence.using(repository=seen.repository.key, overlap=seen.overlap.description),
        to_sentence(REMEDY),
        url_for(".rules", _anchor="automatic"),
    )


_CONTRADICTED = say(
    "SWR's own automatic synchronization contradicts the rules: %(repository)s: %(overlap)s."
)
_DUPLICATED = say(
    "SWR's own automatic synchronization duplicates the rules: %(repository)s: %(overlap)s."
)


def _format_count(count: int, *, more: bool) -> str:
    """Write a count; with `more`, not all were counted."""
    return say("at least %(count)s", count=count) if more else f"{count:,}"
