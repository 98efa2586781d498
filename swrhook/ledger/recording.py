"""Recording deliveries: deduplicated, superseding, a whole batch in one transaction."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, insert, select, update

from swrhook.ledger.ids import new_id
from swrhook.ledger.moving import LATER_PUSH, supersede
from swrhook.ledger.rows import WHOLE_SYNC, to_sync
from swrhook.ledger.statements import portions, upsert
from swrhook.ledger.tables import OPEN, deliveries, latest_pushes, pushes, syncs
from swrhook.ledger.waking import wake_lanes
from swrhook.model import (
    Entry,
    Lane,
    Outcome,
    PlannedSync,
    Push,
    Receipt,
    State,
    Sync,
    SyncRef,
    route,
)


@dataclass(frozen=True, slots=True)
class Recording:
    """A batch on its way to disk: receipts in the entries' order, and what follows from them."""

    receipts: Sequence[Receipt]
    superseded: Sequence[Sync]
    lanes: Sequence[Lane]


Row = dict[str, Any]

# A longer event id stands in the key as its hash: PostgreSQL indexes no text over 2,704 bytes.
_LONGEST_ID = 256


@dataclass(slots=True)
class _Batch:
    """What is known of the batch's tags, and its rows as they grow in the order of its entries."""

    latest: dict[str, Row]  # by tag key
    events: dict[str, Row]  # by event key
    deliveries: list[Row] = field(default_factory=list)
    pushes: list[Row] = field(default_factory=list)
    syncs: dict[str, Row] = field(default_factory=dict)  # by id
    newest: dict[str, str] = field(default_factory=dict)  # route → id of its newest sync
    lanes: dict[Lane, None] = field(default_factory=dict)


def record(connection: Connection, entries: Sequence[Entry]) -> Recording:
    """Write the entries in their order, and note that the lanes of their syncs are to run now.

    Deliveries of the same tag are put in order by the lock on its row in latest_pushes.
    """
    batch = _Batch(*_known(connection, entries))
    for entry in entries:
        _add(batch, entry)
    superseded = _supersede(connection, batch)
    _write(connection, batch)
    superseded += _superseded_at_once(connection, batch)
    refs = _sync_refs(connection, batch)
    lanes = wake_lanes(connection, batch.lanes, max(entry.received_at for entry in entries))
    return Recording([_receipt(row, refs) for row in batch.deliveries], superseded, lanes)


def _known(
    connection: Connection, entries: Sequence[Entry]
) -> tuple[dict[str, Row], dict[str, Row]]:
    """Lock the batch's tags; return their latest pushes and the events that are known already."""
    wanted = [sync.push for entry in entries for sync in entry.planned]
    keys = sorted({_tag_key(push) for push in wanted})
    if not keys:
        return {}, {}
    place = upsert(connection, latest_pushes).on_conflict_do_nothing()
    connection.execute(place, [{"key": key} for key in keys])
    latest = {
        row["key"]: dict(row)
        for portion in portions(keys)
        for row in connection.execute(
            # In the order of keys, so that two transactions never wait for each other.
            select(latest_pushes)
            .where(latest_pushes.c.key.in_(portion))
            .order_by(latest_pushes.c.key)
            .with_for_update()
        ).mappings()
    }
    event_keys = {key for push in wanted if (key := _event_key(push)) is not None}
    columns = (pushes.c.event_key, pushes.c.delivery, pushes.c.id.label("push"))
    events = {
        row["event_key"]: dict(row)
        for portion in portions(event_keys)
        for row in connection.execute(
            select(*columns).where(pushes.c.event_key.in_(portion))
        ).mappings()
    }
    return latest, events


def _add(batch: _Batch, entry: Entry) -> None:
    """Add an entry's rows; its outcome becomes DUPLICATE when all that it wants is known."""
    delivery = new_id()
    planned: dict[Push, list[PlannedSync]] = {}
    for sync in entry.planned:
        planned.setdefault(sync.push, []).append(sync)
    originals = []
    for push in entry.pushes:
        original = _original(batch, push, entry) if push in planned else None
        if entry.replayed_from is not None and (original or {}).get("delivery") != delivery:
            original = None  # a replay is to have an effect: it repeats nothing but itself
        originals.append(original)
        # The event of a replay is the original's already.
        is_new = push in planned and _event_key(push) not in batch.events
        row = _push_row(push, delivery, original, is_new=is_new)
        batch.pushes.append(row)
        if push in planned and original is None:
            _add_fresh(batch, entry, row, planned[push])
    repeated = [original for original in originals if original is not None]
    outcome = entry.outcome
    if outcome is Outcome.ACCEPTED and len(repeated) == len(planned):
        outcome = Outcome.DUPLICATE
    batch.deliveries.append(
        {
            "id": delivery,
            "source": entry.source,
            "dialect": entry.dialect,
            "outcome": outcome.value,
            "reason": entry.reason,
            "received_at": entry.received_at,
            "sender_id": entry.sender_id,
            "original": repeated[0]["delivery"] if outcome is Outcome.DUPLICATE else None,
            "headers": dict(entry.headers),
            "body": entry.body if outcome in _KEEP_BODY else None,
            "rules_version": entry.rules_version,
            "replayed_from": entry.replayed_from,
        }
    )


_KEEP_BODY = (Outcome.ACCEPTED, Outcome.QUARANTINED)


def _original(batch: _Batch, push: Push, entry: Entry) -> Row | None:
    """Return the push that this one repeats: by its event's id or, without one, its digest."""
    event_key = _event_key(push)
    if event_key is not None:
        return batch.events.get(event_key)
    latest = batch.latest[_tag_key(push)]
    if push.digest is None or latest["digest"] != push.digest:
        return None
    is_recent = latest["seen_at"] > entry.received_at - entry.dedup_window
    return latest if is_recent else None


def _add_fresh(batch: _Batch, entry: Entry, push_row: Row, planned: Sequence[PlannedSync]) -> None:
    """Add the syncs of a push that is no repetition; it is the latest of its tag now."""
    push = planned[0].push
    latest = {
        "key": _tag_key(push),
        "delivery": push_row["delivery"],
        "push": push_row["id"],
        "digest": push.digest,
        "seen_at": entry.received_at,
    }
    batch.latest[latest["key"]] = latest
    if push_row["event_key"] is not None:
        batch.events[push_row["event_key"]] = latest
    for sync in planned:
        row, lane = _sync_row(sync, entry, push_row)
        earlier = batch.newest.get(row["route"])
        if earlier is not None:
            batch.syncs[earlier] |= _SUPERSEDED | {"superseded_by": row["id"]}
        batch.newest[row["route"]] = row["id"]
        batch.syncs[row["id"]] = row
        batch.lanes[lane] = None


_SUPERSEDED: Row = {
    "state": State.SUPERSEDED.value,
    "due_at": None,
    "reason": LATER_PUSH,
}


def _supersede(connection: Connection, batch: _Batch) -> list[Sync]:
    """Hand open syncs over to the later push of the same tag; return those that ended by it.

    One whose call is in flight ends when the call settles.
    """
    open_syncs = [
        row
        for portion in portions(batch.newest)
        for row in connection.execute(
            select(*WHOLE_SYNC, syncs.c.route)
            .where(syncs.c.route.in_(portion), OPEN)
            .order_by(syncs.c.id)
        ).mappings()
    ]
    ended = []
    for row in open_syncs:
        heir = batch.newest[row["route"]]
        reached = supersede(connection, row["id"], heir, batch.syncs[heir]["created_at"])
        if reached is State.SUPERSEDED:
            ended.append(to_sync(row))
    return ended


def _superseded_at_once(connection: Connection, batch: _Batch) -> list[Sync]:
    """Return the batch's syncs that a later entry of the same batch carries on for."""
    ids = [row["id"] for row in batch.syncs.values() if row["superseded_by"] is not None]
    return [
        to_sync(row)
        for portion in portions(ids)
        for row in connection.execute(select(*WHOLE_SYNC).where(syncs.c.id.in_(portion))).mappings()
    ]


def _write(connection: Connection, batch: _Batch) -> None:
    connection.execute(insert(deliveries), batch.deliveries)
    if batch.pushes:
        connection.execute(insert(pushes), batch.pushes)
    if batch.syncs:
        connection.execute(insert(syncs), list(batch.syncs.values()))
        fresh = [row for row in batch.latest.values() if row["push"] is not None]
        connection.execute(
            update(latest_pushes).where(latest_pushes.c.key == bindparam("tag_key")),
            [
                {
                    "tag_key": row["key"],
                    "delivery": row["delivery"],
                    "push": row["push"],
                    "digest": row["digest"],
                    "seen_at": row["seen_at"],
                }
                for row in fresh
            ],
        )


def _sync_refs(connection: Connection, batch: _Batch) -> dict[str, list[SyncRef]]:
    """Return for each delivery of the batch the syncs that carry its pushes."""
    own: dict[str, list[SyncRef]] = {}
    for row in batch.syncs.values():
        own.setdefault(row["push"], []).append(_ref(row))
    carried: dict[str, list[SyncRef]] = {}
    for row in _carriers(connection, {row["original"] for row in batch.pushes if row["original"]}):
        carried.setdefault(row["push"], []).append(_ref(row))
    refs: dict[str, list[SyncRef]] = {row["id"]: [] for row in batch.deliveries}
    for row in batch.pushes:
        original = row["original"]
        refs[row["delivery"]] += carried.get(original, []) if original else own.get(row["id"], [])
    return refs


def _carriers(connection: Connection, push_ids: Collection[str]) -> list[Row]:
    """Return the syncs of earlier pushes, each followed to the one that carries on for it."""
    rows = [
        row
        for portion in portions(push_ids)
        for row in connection.execute(
            select(*WHOLE_SYNC, syncs.c.push).where(syncs.c.push.in_(portion))
        ).mappings()
    ]
    return [dict(_heir(connection, row)) | {"push": row["push"]} for row in rows]


def _heir(connection: Connection, row: RowMapping) -> RowMapping:
    while row["superseded_by"] is not None:
        statement = select(*WHOLE_SYNC).where(syncs.c.id == row["superseded_by"])
        heir = connection.execute(statement).mappings().one_or_none()
        if heir is None:  # it is no longer kept
            break
        row = heir
    return row


def _receipt(delivery: Row, refs: Mapping[str, Sequence[SyncRef]]) -> Receipt:
    return Receipt(
        delivery=delivery["original"] or delivery["id"],
        outcome=Outcome(delivery["outcome"]),
        reason=delivery["reason"],
        syncs=list(dict.fromkeys(refs[delivery["id"]])),
    )


def _ref(row: Mapping[str, Any]) -> SyncRef:
    image = f"{row['namespace']}/{row['repository']}:{row['tag']}"
    return SyncRef(row["id"], image, f"{row['target_region']}/{row['target_namespace']}")


def _tag_key(push: Push) -> str:
    return f"{push.source} {push.image}"


def _event_key(push: Push) -> str | None:
    if push.event_id is None:
        return None
    event_id = push.event_id
    if len(event_id) > _LONGEST_ID:
        event_id = hashlib.sha256(event_id.encode()).hexdigest()
    return f"{_tag_key(push)} {event_id}"


def _push_row(push: Push, delivery: str, original: Row | None, *, is_new: bool) -> Row:
    return {
        "id": new_id(),
        "delivery": delivery,
        "source": push.source,
        "region": push.region,
        "namespace": push.namespace,
        "repository": push.repository,
        "tag": push.tag,
        "digest": push.digest,
        "event_id": push.event_id,
        "event_key": _event_key(push) if is_new else None,
        "pushed_at": push.pushed_at,
        "original": None if original is None else original["push"],
    }


def _sync_row(sync: PlannedSync, entry: Entry, push_row: Row) -> tuple[Row, Lane]:
    push = sync.push
    lane = Lane(push.region, push.namespace, push.repository, sync.target, sync.override)
    row = {
        "id": new_id(),
        "delivery": push_row["delivery"],
        "push": push_row["id"],
        "source": push.source,
        "source_region": push.region,
        "namespace": push.namespace,
        "repository": push.repository,
        "tag": push.tag,
        "digest": push.digest,
        "target_region": sync.target.region,
        "target_namespace": sync.target.namespace,
        "override": sync.override,
        "lane": lane.key,
        "route": route(lane, push.tag),
        "rule": sync.rule,
        "rules_version": entry.rules_version,
        "state": State.DUE.value,
        "reason": None,
        "superseded_by": None,
        "created_at": entry.received_at,
        "updated_at": entry.received_at,
        "due_at": entry.received_at,
    }
    return row, lane
