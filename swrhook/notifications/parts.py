"""Gather notices into the parts of messages."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from swrhook.notifications.model import MOST_ITEMS, MOST_PARTS, Draft, Notice, Part, Topic


def to_part(notice: Notice) -> Part:
    """Return the part that tells only this notice."""
    items = () if notice.item is None else (notice.item,)
    return Part(notice.topic, notice.cause, notice.facts, items, 1, notice.at, notice.at)


def make_test(channel: str, token: str, now: datetime) -> Draft:
    """Return a test message for a channel, requested with a token of this name."""
    notice = Notice(Topic.TEST, "test", now, {"channel": channel, "token": token})
    return Draft(channel, "test", [to_part(notice)])


def merge_parts(
    parts: Sequence[Part], new: Iterable[Part], parts_left_out: int = 0
) -> tuple[list[Part], int]:
    """Return the parts with new ones added, and how many causes have no part.

    Parts of the same cause become one: with the newest facts, and the items of both up to a limit.
    """
    by_cause = {(part.topic, part.cause): part for part in parts}
    for part in new:
        key = (part.topic, part.cause)
        if key in by_cause:
            by_cause[key] = _merge(by_cause[key], part)
        elif len(by_cause) < MOST_PARTS:
            by_cause[key] = part
        else:
            parts_left_out += 1
    return list(by_cause.values()), parts_left_out


def _merge(part: Part, later: Part) -> Part:
    return replace(
        part,
        facts=later.facts,
        items=[*part.items, *later.items][:MOST_ITEMS],
        count=part.count + later.count,
        first_at=min(part.first_at, later.first_at),
        last_at=max(part.last_at, later.last_at),
    )
