"""Recording deliveries: deduplicated, superseding, a whole batch in one transaction."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    Connection,
    RowMapping,
    Text,
    bindparam,
    func,
    insert,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects import postgresql

from swrhook.ledger.bulk_insert import insert_rows
from swrhook.ledger.deduplication import Batch, Row, add, add_sync, event_key, tag_key
from swrhook.ledger.lanes import lock_lanes, schedule_lanes
from swrhook.ledger.rows import WHOLE_SYNC, to_sync
from swrhook.ledger.sql import AnyInsert, PreparedStatement, in_portions, upsert_on
from swrhook.ledger.syncs import supersede
from swrhook.ledger.tables import OPEN, deliveries, latest_pushes, pushes, syncs
from swrhook.model import (
    DeliveryEntry,
    Lane,
    Outcome,
    PlannedSync,
    Receipt,
    State,
    Sync,
    SyncRef,
    image_name,
)


def receipts(connection: Connection, batch: Batch) -> list[Receipt]:
    """Return the receipts of a batch that has been written, in its order."""
    refs = _sync_refs(connection, batch)
    return [_receipt(row, refs) for row in batch.deliveries]


def _sync_refs(connection: Connection, batch: Batch) -> dict[str, list[SyncRef]]:
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
        for portion in in_portions(push_ids)
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
        sender=delivery["sender"],
        outcome=Outcome(delivery["outcome"]),
        reason=delivery["reason"],
        syncs=list(dict.fromkeys(refs[delivery["id"]])),
    )


def _ref(row: Mapping[str, Any]) -> SyncRef:
    image = image_name(row["namespace"], row["repository"], row["tag"])
    return SyncRef(row["id"], image, f"{row['target_region']}/{row['target_namespace']}")


@dataclass(frozen=True, slots=True)
class Recording:
    """A batch on its way to disk: receipts in the entries' order, and what follows from them."""

    receipts: Sequence[Receipt]
    superseded: Sequence[Sync]
    lanes: Sequence[Lane]


def record(connection: Connection, entries: Sequence[DeliveryEntry]) -> Recording:
    """Write the entries in their order, and note that the lanes of their syncs are to run now.

    Deliveries of the same tag are put in order by the lock on its row in latest_pushes, and those
    of several senders for the same target by the lock on its lane.
    """
    batch = Batch(*_known(connection, entries))
    for entry in entries:
        add(batch, entry)
    lock_lanes(connection, batch.lanes)
    superseded = _supersede(connection, batch)
    _write(connection, batch)
    superseded += _superseded_at_once(connection, batch)
    lanes = schedule_lanes(connection, batch.lanes, max(entry.received_at for entry in entries))
    return Recording(receipts(connection, batch), superseded, lanes)


def record_syncs(
    connection: Connection, planned: Sequence[PlannedSync], rules_version: str, at: datetime
) -> tuple[list[str], Recording]:
    """Write syncs that no delivery announced; return their ids and what follows from them."""
    batch = Batch({}, {})
    for sync in planned:
        add_sync(batch, sync, rules_version, at)
    lock_lanes(connection, batch.lanes)
    superseded = _supersede(connection, batch)
    insert_rows(connection, INSERT_SYNC, list(batch.syncs.values()))
    lanes = schedule_lanes(connection, batch.lanes, at)
    return list(batch.syncs), Recording((), superseded, lanes)


def lock_tags(connection: Connection, tag_keys: Collection[str]) -> dict[str, Row]:
    """Let nobody else record pushes of these tags meanwhile; return their latest ones by key."""
    keys = sorted(tag_keys)
    if not keys:
        return {}
    if connection.dialect.name != "sqlite":  # whose one writer needs no row to lock
        insert_rows(connection, _PLACE, [{"key": key} for key in keys])
    return {
        row["key"]: row
        for portion in in_portions(keys)
        for row in _LATEST.rows(connection, keys=portion)
    }


def _known(
    connection: Connection, entries: Sequence[DeliveryEntry]
) -> tuple[dict[str, Row], dict[str, Row]]:
    """Lock the batch's tags; return their latest pushes and the events that are known already."""
    wanted = [sync.push for entry in entries for sync in entry.planned]
    latest = lock_tags(connection, {tag_key(push) for push in wanted})
    event_keys = {key for push in wanted if (key := event_key(push)) is not None}
    events = {
        row["event_key"]: row
        for portion in in_portions(event_keys)
        for row in _EVENTS.rows(connection, keys=portion)
    }
    return latest, events


_PLACE = postgresql.insert(latest_pushes).on_conflict_do_nothing()
_LATEST = PreparedStatement(
    select(latest_pushes)
    .where(latest_pushes.c.key.in_(bindparam("keys", expanding=True)))
    # In the order of keys, so that two transactions never wait for each other.
    .order_by(latest_pushes.c.key)
    .with_for_update()
)
_EVENTS = PreparedStatement(
    select(pushes.c.event_key, pushes.c.delivery, pushes.c.id.label("push")).where(
        pushes.c.event_key.in_(bindparam("keys", expanding=True))
    )
)


def _supersede(connection: Connection, batch: Batch) -> list[Sync]:
    """Hand open syncs over to the later push of the same tag; return those that ended by it.

    One whose call is in flight ends when the call settles.
    """
    open_syncs = _OPEN_SYNCS if connection.dialect.name == "sqlite" else _OPEN_SYNCS_EACH
    found = [
        row
        for portion in in_portions(batch.newest)
        for row in open_syncs.rows(connection, routes=list(portion))
    ]
    ended = []
    for row in found:
        heir = batch.newest[row["route"]]
        reached = supersede(connection, row["id"], heir, batch.syncs[heir]["created_at"])
        if reached is State.SUPERSEDED:
            ended.append(row["id"])
    return _syncs(connection, ended)


# For a few routes both databases would rather read all open syncs, thought to be few: a backlog
# grows sooner than their statistics. So the one is told the index, and the other asks for each.
_OPEN_SYNCS = PreparedStatement(
    select(syncs.c.id, syncs.c.route)
    .where(syncs.c.route.in_(bindparam("routes", expanding=True)), OPEN)
    .with_hint(syncs, "INDEXED BY syncs_open_by_route", "sqlite")
    .order_by(syncs.c.id)
)
_WANTED = (
    func.unnest(bindparam("routes", type_=postgresql.ARRAY(Text)))
    .table_valued("route")
    .render_derived(name="wanted")
)
_OF_ONE = (
    select(syncs.c.id, syncs.c.route)
    .where(syncs.c.route == _WANTED.c.route, OPEN)
    .offset(literal_column("0"))  # or it would become one question again
    .lateral()
)
_OPEN_SYNCS_EACH = PreparedStatement(
    select(_OF_ONE.c.id, _OF_ONE.c.route)
    .select_from(_WANTED.join(_OF_ONE, true()))
    .order_by(_OF_ONE.c.id)
)


def _superseded_at_once(connection: Connection, batch: Batch) -> list[Sync]:
    """Return the batch's syncs that a later entry of the same batch carries on for."""
    ids = [row["id"] for row in batch.syncs.values() if row["superseded_by"] is not None]
    return _syncs(connection, ids)


def _syncs(connection: Connection, ids: Sequence[str]) -> list[Sync]:
    return [
        to_sync(row) for portion in in_portions(ids) for row in _SYNCS.rows(connection, ids=portion)
    ]


_SYNCS = PreparedStatement(
    select(*WHOLE_SYNC).where(syncs.c.id.in_(bindparam("ids", expanding=True))).order_by(syncs.c.id)
)


def _write(connection: Connection, batch: Batch) -> None:
    insert_rows(connection, _INSERT_DELIVERY, batch.deliveries)
    insert_rows(connection, _INSERT_PUSH, batch.pushes)
    insert_rows(connection, INSERT_SYNC, list(batch.syncs.values()))
    if batch.syncs:
        # On PostgreSQL some are empty rows that were placed to be locked, and stay so.
        fresh = [row for row in batch.latest.values() if row["push"] is not None]
        insert_rows(connection, _remember(connection.dialect.name), fresh)


_INSERT_DELIVERY, _INSERT_PUSH, INSERT_SYNC = insert(deliveries), insert(pushes), insert(syncs)


@cache
def _remember(database: str) -> AnyInsert:
    statement = upsert_on(database, latest_pushes)
    changed = {name: column for name, column in statement.excluded.items() if name != "key"}
    return statement.on_conflict_do_update(index_elements=[latest_pushes.c.key], set_=changed)
