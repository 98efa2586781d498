"""The pushes of a large delivery and their syncs, packed in portions until they are recorded.

A portion is compressed JSON, and small enough to be recorded in a short transaction. It says what
the rules required when the delivery came in, so that a change of the configuration changes nothing.
"""

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from swrhook.ledger.rows import group
from swrhook.ledger.types import to_instant, to_microseconds
from swrhook.model import DeliveryEntry, PackedPushes, PlannedSync, Push, Target

# A delivery with more pushes or syncs is large: it is recorded as one row, and expanded afterwards.
LARGE = 1000
# A portion has at most so many pushes and syncs, or one push.
PORTION = 200
# The fastest level: most of the text are digests, which no level shortens.
_LEVEL = 1


@dataclass(frozen=True, slots=True)
class Portion:
    """Some pushes of a delivery with their syncs; the first ones' numbers within the delivery."""

    first_push: int
    first_sync: int
    pushes: Sequence[Push]
    planned: Sequence[PlannedSync]


def is_large(entry: DeliveryEntry) -> bool:
    """Tell whether a delivery is too large to be recorded in one transaction."""
    return max(len(entry.pushes), len(entry.planned)) > LARGE


def pack(entry: DeliveryEntry) -> DeliveryEntry:
    """Return the entry with its pushes and syncs packed."""
    portions = []
    first_push = first_sync = 0
    for pushes, syncs_total in _split(entry):
        content = {"first_push": first_push, "first_sync": first_sync, "pushes": pushes}
        text = json.dumps(content, separators=(",", ":"))
        portions.append(zlib.compress(text.encode(), _LEVEL))
        first_push, first_sync = first_push + len(pushes), first_sync + syncs_total
    packed = PackedPushes(
        region=entry.pushes[0].region,
        pushes_total=first_push,
        syncs_total=first_sync,
        portions=portions,
        has_own_id=all(push.event_id == entry.external_id for push in entry.pushes),
    )
    return replace(entry, pushes=(), planned=(), packed=packed)


def unpack(body: bytes, sender: str, region: str) -> Portion:
    """Return a portion of a sender's delivery."""
    content: Mapping[str, Any] = json.loads(zlib.decompress(body))
    pushes: list[Push] = []
    planned: list[PlannedSync] = []
    names: list[Any]
    for *names, pushed_at, targets in content["pushes"]:
        push = Push(*(sender, region, *names, _to_time(pushed_at)))
        pushes.append(push)
        planned += [
            PlannedSync(push, Target(*target), override, rule)
            for *target, override, rule in targets
        ]
    return Portion(content["first_push"], content["first_sync"], pushes, planned)


def _split(entry: DeliveryEntry) -> Iterator[tuple[list[Any], int]]:
    """Yield the pushes of each portion as JSON, and its number of syncs."""
    planned = group((sync.push, sync) for sync in entry.planned)
    pushes: list[Any] = []
    syncs_total = 0
    for push in entry.pushes:
        targets = [
            [sync.target.region, sync.target.namespace, sync.override, sync.rule]
            for sync in planned.get(push, ())
        ]
        if pushes and len(pushes) + syncs_total + 1 + len(targets) > PORTION:
            yield pushes, syncs_total
            pushes, syncs_total = [], 0
        names = [push.namespace, push.repository, push.tag, push.digest, push.event_id]
        pushes.append([*names, _to_number(push.pushed_at), targets])
        syncs_total += len(targets)
    yield pushes, syncs_total


def _to_number(moment: datetime | None) -> int | None:
    return None if moment is None else to_microseconds(moment)


def _to_time(number: int | None) -> datetime | None:
    return None if number is None else to_instant(number)
