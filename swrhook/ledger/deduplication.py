"""Turn a batch of deliveries into rows: find duplicates, and syncs that replace earlier ones.

No SQL: `deliveries.py` reads what is needed before, and writes the rows after.
"""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from swrhook.ledger.rows import from_lane, group
from swrhook.ledger.syncs import SUPERSEDED_VALUES
from swrhook.ledger.types import new_id
from swrhook.model import (
    DeliveryEntry,
    Lane,
    Outcome,
    PlannedSync,
    Push,
    State,
    Urgency,
    route,
)
from swrhook.wording.message import split_parts
from swrhook.wording.storage import encode

Row = dict[str, Any]

# Of a sync that no delivery announced.
NO_PUSH: Row = {"id": None, "delivery": None}

# A longer event id is replaced by its hash in the key: PostgreSQL indexes no text over 2,704 bytes.
_LONGEST_ID = 256


@dataclass(slots=True)
class Batch:
    """The rows of a batch, added in the order of its entries, and what the ledger knows already."""

    latest: dict[str, Row]  # the latest push, by tag key
    events: dict[str, Row]  # earlier pushes, by event key
    monotonic: float | None = None  # the time by the process's monotonic clock
    deliveries: list[Row] = field(default_factory=list)
    pushes: list[Row] = field(default_factory=list)
    syncs: dict[str, Row] = field(default_factory=dict)  # by id
    expansions: list[Row] = field(default_factory=list)
    portions: list[Row] = field(default_factory=list)
    bodies: dict[str, bytes] = field(default_factory=dict)  # of large deliveries, by id
    newest: dict[str, str] = field(default_factory=dict)  # id of the newest sync, by route
    lanes: dict[Lane, str] = field(default_factory=dict)  # with the sender of a sync
    push_ids: Iterator[str] = field(default_factory=lambda: iter(new_id, None))
    sync_ids: Iterator[str] = field(default_factory=lambda: iter(new_id, None))
    # Of deliveries that came later than this one, but were recorded before it.
    later_tags: Collection[str] = ()  # keys of the tags that they pushed
    later_events: Collection[str] = ()  # keys of their events
    later_syncs: Mapping[str, str] = field(default_factory=dict)  # id of the newest, by route


def add(batch: Batch, entry: DeliveryEntry) -> None:
    """Add the rows of an entry. It is a duplicate if all pushes that match rules are."""
    delivery_id = new_id()
    originals = add_pushes(batch, entry, delivery_id)
    repeated = [original for original in originals if original is not None]
    outcome = entry.outcome
    if outcome is Outcome.ACCEPTED and len(repeated) == len(originals):
        outcome = Outcome.DUPLICATE
    original = repeated[0]["delivery"] if outcome is Outcome.DUPLICATE else None
    batch.deliveries.append(delivery_row(batch, entry, delivery_id, outcome, original))


def add_pushes(batch: Batch, entry: DeliveryEntry, delivery_id: str) -> list[Row | None]:
    """Add the pushes of an entry and their syncs.

    Return, for each push that matches rules, the earlier push that it repeats, or None.
    """
    planned = group((sync.push, sync) for sync in entry.planned)
    originals = []
    for push in entry.pushes:
        original = _original(batch, push, entry) if push in planned else None
        if entry.replayed_from is not None and (original or {}).get("delivery") != delivery_id:
            # A replay must have an effect, so only a push within it can be its duplicate.
            original = None
        if push in planned:
            originals.append(original)
        # The event key is unique, and a replayed event is in the ledger already.
        event = event_key(push) if push in planned else None
        is_new = event not in batch.events and event not in batch.later_events
        event = event if is_new else None
        row = _push_row(next(batch.push_ids), push, delivery_id, event, original)
        batch.pushes.append(row)
        if push in planned and original is None:
            _add_fresh(batch, entry, row, planned[push])
    return originals


def delivery_row(
    batch: Batch, entry: DeliveryEntry, delivery_id: str, outcome: Outcome, original: str | None
) -> Row:
    """Return the row of a delivery; `original` is the delivery that it repeats."""
    return {
        "id": delivery_id,
        "sender": entry.sender,
        "dialect": entry.dialect,
        "outcome": outcome.value,
        "reason": None if entry.reason is None else str(entry.reason),
        "wording": encode(split_parts(entry.reason or "")),
        "received_at": entry.received_at,
        "external_id": entry.external_id,
        "original": original,
        "headers": dict(entry.headers),
        "body": entry.body,
        "rules_version": entry.rules_version,
        "replayed_from": entry.replayed_from,
        "pushes_total": None if entry.packed is None else entry.packed.pushes_total,
        "syncs_total": None if entry.packed is None else entry.packed.syncs_total,
        "answered": None if entry.arrived is None else outcome.value,
        "client_address": entry.client_address,
        "took_ms": _took_ms(batch, entry),
    }


def _took_ms(batch: Batch, entry: DeliveryEntry) -> int | None:
    if entry.arrived is None or batch.monotonic is None:
        return None
    return round(1000 * (batch.monotonic - entry.arrived))


def _original(batch: Batch, push: Push, entry: DeliveryEntry) -> Row | None:
    """Return the push that this one repeats, None if it is fresh.

    Compare by event id; without one, by digest within the deduplication window.
    """
    event = event_key(push)
    if event is not None:
        return batch.events.get(event)
    latest = batch.latest.get(tag_key(push))
    if latest is None or push.digest is None or latest["digest"] != push.digest:
        return None
    is_recent = latest["seen_at"] > entry.received_at - entry.dedup_window
    return latest if is_recent else None


def _add_fresh(
    batch: Batch, entry: DeliveryEntry, push_row: Row, planned: Sequence[PlannedSync]
) -> None:
    """Add the syncs of a fresh push, and make it the latest of its tag."""
    push = planned[0].push
    latest = {
        "key": tag_key(push),
        "delivery": push_row["delivery"],
        "push": push_row["id"],
        "digest": push.digest,
        "seen_at": entry.received_at,
    }
    batch.latest[latest["key"]] = latest
    if push_row["event_key"] is not None:
        batch.events[push_row["event_key"]] = latest
    for sync in planned:
        add_sync(batch, sync, entry.rules_version, entry.received_at, push_row)


def add_sync(
    batch: Batch,
    sync: PlannedSync,
    rules_version: str,
    at: datetime,
    push_row: Row = NO_PUSH,
    *,
    backfill: bool = False,
) -> None:
    """Add a sync; it supersedes an earlier one of the batch on the same route.

    If a later delivery has a sync on the route already, the new one is superseded by that.
    """
    sync_id = next(batch.sync_ids)
    urgency = Urgency.BACKFILL if backfill else Urgency.FRESH
    row = _sync_row(sync_id, sync, rules_version, at, push_row)
    row |= {"backfill": backfill, "urgency": urgency.value}
    batch.syncs[sync_id] = row
    later = batch.later_syncs.get(row["route"])
    if later is not None:
        row |= {**SUPERSEDED_VALUES, "superseded_by": later}
        return
    earlier = batch.newest.get(row["route"])
    if earlier is not None:
        batch.syncs[earlier] |= {**SUPERSEDED_VALUES, "superseded_by": sync_id}
    batch.newest[row["route"]] = sync_id
    batch.lanes[sync.lane] = sync.push.sender


def tag_key(push: Push) -> str:
    """Return the key of a sender's tag in latest_pushes."""
    return f"{push.sender} {push.image}"


def event_key(push: Push) -> str | None:
    """Return the key of a push by its event, None without an event id."""
    if push.event_id is None:
        return None
    event_id = push.event_id
    if len(event_id) > _LONGEST_ID:
        event_id = hashlib.sha256(event_id.encode()).hexdigest()
    return f"{tag_key(push)} {event_id}"


def _push_row(
    push_id: str, push: Push, delivery_id: str, event: str | None, original: Row | None
) -> Row:
    return {
        "id": push_id,
        "delivery": delivery_id,
        "sender": push.sender,
        "region": push.region,
        "namespace": push.namespace,
        "repository": push.repository,
        "tag": push.tag,
        "digest": push.digest,
        "event_id": push.event_id,
        "event_key": event,
        "pushed_at": push.pushed_at,
        "original": None if original is None else original["push"],
    }


def _sync_row(
    sync_id: str, sync: PlannedSync, rules_version: str, at: datetime, push_row: Row
) -> Row:
    """Return the row of a new sync; columns that are not here start at their default or NULL."""
    push, lane = sync.push, sync.lane
    return {
        "id": sync_id,
        "delivery": push_row["delivery"],
        "push": push_row["id"],
        "sender": push.sender,
        **from_lane(lane),
        "tag": push.tag,
        "digest": push.digest,
        "lane": lane.key,
        "route": route(lane, push.tag),
        "rule": sync.rule,
        "rules_version": rules_version,
        "state": State.PENDING.value,
        # All rows of an insert need the same columns, and a superseded one has these.
        "reason": None,
        "superseded_by": None,
        "created_at": at,
        "updated_at": at,
        "due_at": at,
    }
