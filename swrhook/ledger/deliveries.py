"""Record deliveries and their syncs, a whole batch in one transaction."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    Connection,
    Text,
    bindparam,
    func,
    insert,
    literal_column,
    select,
    text,
    true,
)
from sqlalchemy.dialects import postgresql

from swrhook.ledger.bulk_insert import insert_rows
from swrhook.ledger.deduplication import Batch, Row, add, add_sync, event_key, tag_key
from swrhook.ledger.lanes import lock_lanes, schedule_lanes
from swrhook.ledger.large_deliveries import add_large, write_large
from swrhook.ledger.rows import SYNC_COLUMNS, group, to_sync
from swrhook.ledger.sql import PreparedStatement, Upsert, in_portions, upsert_on
from swrhook.ledger.successors import find_successors
from swrhook.ledger.syncs import supersede
from swrhook.ledger.tables import OPEN, deliveries, latest_pushes, pushes, syncs
from swrhook.model import (
    DeliveryEntry,
    Lane,
    Outcome,
    PlannedSync,
    Push,
    Receipt,
    State,
    Sync,
    SyncRef,
    Urgency,
    image_name,
)


@dataclass(frozen=True, slots=True)
class Recording:
    """What a transaction recorded: receipts in the order of the entries, and what changed."""

    receipts: Sequence[Receipt]
    superseded: Sequence[Sync]
    lanes: Sequence[Lane]  # to run now


def record(
    connection: Connection, entries: Sequence[DeliveryEntry], monotonic: float | None = None
) -> Recording:
    """Write the entries in their order, and schedule the lanes of their syncs for now.

    `monotonic` is the time by the process's monotonic clock: it tells how long each entry took.
    Concurrent transactions are serialized by row locks: those on the same tag by its row in
    latest_pushes, and those of several senders for the same target by the row of the lane.
    """
    pushes_to_sync = [sync.push for entry in entries for sync in entry.planned]
    batch = Batch(*lock_pushes(connection, pushes_to_sync), monotonic=monotonic)
    for entry in entries:
        if entry.packed is None:
            add(batch, entry)
        else:
            add_large(connection, batch, entry, entry.packed)
    lock_lanes(connection, batch.lanes)
    superseded = write_batch(connection, batch)
    at = max(entry.received_at for entry in entries)
    lanes = schedule_lanes(connection, batch.lanes, Urgency.FRESH, at)
    return Recording(_receipts(connection, batch), superseded, lanes)


def record_syncs(
    connection: Connection, planned: Sequence[PlannedSync], rules_version: str, at: datetime
) -> tuple[list[str], Recording]:
    """Write syncs that no delivery announced; return their ids and the recording."""
    batch = Batch({}, {})
    for sync in planned:
        add_sync(batch, sync, rules_version, at)
    lock_lanes(connection, batch.lanes)
    superseded = write_batch(connection, batch)
    lanes = schedule_lanes(connection, batch.lanes, Urgency.FRESH, at)
    return list(batch.syncs), Recording((), superseded, lanes)


def lock_tags(connection: Connection, tag_keys: Collection[str]) -> dict[str, Row]:
    """Lock tags until the transaction ends; return the latest push of each, by tag key."""
    keys = sorted(tag_keys)
    if not keys:
        return {}
    if connection.dialect.name != "sqlite":  # SQLite's only writer needs no row to lock
        insert_rows(connection, _INSERT_KEY, [{"key": key} for key in keys])
    return {row["key"]: row for row in _LATEST.rows_in_portions(connection, "keys", keys)}


def lock_pushes(
    connection: Connection, announced: Collection[Push]
) -> tuple[dict[str, Row], dict[str, Row]]:
    """Lock the tags of pushes; return the latest push of each, and their events recorded before."""
    latest = lock_tags(connection, {tag_key(push) for push in announced})
    event_keys = {key for push in announced if (key := event_key(push)) is not None}
    events = _EVENTS.rows_in_portions(connection, "keys", event_keys)
    return latest, {row["event_key"]: row for row in events}


_INSERT_KEY = postgresql.insert(latest_pushes).on_conflict_do_nothing()
_LATEST = PreparedStatement(
    select(latest_pushes)
    .where(latest_pushes.c.key.in_(bindparam("keys", expanding=True)))
    # In the order of keys, so that two transactions cannot deadlock.
    .order_by(latest_pushes.c.key)
    .with_for_update()
)
_EVENTS = PreparedStatement(
    select(pushes.c.event_key, pushes.c.delivery, pushes.c.id.label("push")).where(
        pushes.c.event_key.in_(bindparam("keys", expanding=True))
    )
)


def _supersede_earlier(connection: Connection, batch: Batch) -> list[Sync]:
    """Supersede open syncs on the routes of the batch; return those that ended by it.

    A sync with a call in flight ends when the call is settled.
    """
    open_syncs = _OPEN_SYNCS if connection.dialect.name == "sqlite" else _OPEN_SYNCS_EACH
    ended = []
    for row in open_syncs.rows_in_portions(connection, "routes", batch.newest):
        heir = batch.newest[row["route"]]
        state = supersede(connection, row["id"], heir, batch.syncs[heir]["updated_at"])
        if state is State.SUPERSEDED:
            ended.append(row["id"])
    return _read_syncs(connection, ended)


# The open syncs of some routes. Both databases expect few open syncs, and would rather scan them
# all than look up each route: their statistics are older than a backlog. So SQLite is told the
# index by INDEXED BY, which SQLAlchemy cannot express, and PostgreSQL looks up route by route.
_OPEN_SYNCS = PreparedStatement(
    text(
        "SELECT id, route FROM syncs INDEXED BY syncs_open_by_route"  # noqa: S608  # constants
        f" WHERE route IN :routes AND {OPEN.text} ORDER BY id"
    )
    .bindparams(bindparam("routes", expanding=True))
    .columns(syncs.c.id, syncs.c.route)
)
_ROUTES = (
    func.unnest(bindparam("routes", type_=postgresql.ARRAY(Text)))
    .table_valued("route")
    .render_derived(name="routes")
)
_OF_ONE_ROUTE = (
    select(syncs.c.id, syncs.c.route)
    .where(syncs.c.route == _ROUTES.c.route, OPEN)
    .offset(literal_column("0"))  # keeps the planner from merging it into the outer query
    .lateral()
)
_OPEN_SYNCS_EACH = PreparedStatement(
    select(_OF_ONE_ROUTE.c.id, _OF_ONE_ROUTE.c.route)
    .select_from(_ROUTES.join(_OF_ONE_ROUTE, true()))
    .order_by(_OF_ONE_ROUTE.c.id)
)


def _read_syncs(connection: Connection, ids: Sequence[str]) -> list[Sync]:
    return [to_sync(row) for row in _SYNCS.rows_in_portions(connection, "ids", ids)]


_SYNCS = PreparedStatement(
    select(*SYNC_COLUMNS)
    .where(syncs.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(syncs.c.id)
)


def write_batch(connection: Connection, batch: Batch) -> list[Sync]:
    """Write the rows of a batch whose lanes are locked; return the syncs that it superseded."""
    superseded = _supersede_earlier(connection, batch)
    insert_rows(connection, _INSERT_DELIVERY, batch.deliveries)
    if batch.expansions:
        write_large(connection, batch)
    insert_rows(connection, _INSERT_PUSH, batch.pushes)
    insert_rows(connection, INSERT_SYNC, list(batch.syncs.values()))
    if batch.syncs:
        # On PostgreSQL, lock_tags inserted rows without a push for tags that were new.
        latest = [
            row
            for key, row in batch.latest.items()
            if row["push"] is not None and key not in batch.later_tags
        ]
        insert_rows(connection, _upsert_latest(connection.dialect.name), latest)
    in_batch = [row["id"] for row in batch.syncs.values() if row["superseded_by"] is not None]
    return superseded + _read_syncs(connection, in_batch)


_INSERT_DELIVERY, _INSERT_PUSH, INSERT_SYNC = insert(deliveries), insert(pushes), insert(syncs)


@cache
def _upsert_latest(database: str) -> Upsert:
    statement = upsert_on(database, latest_pushes)
    values = {name: column for name, column in statement.excluded.items() if name != "key"}
    return statement.on_conflict_do_update(index_elements=[latest_pushes.c.key], set_=values)


def _receipts(connection: Connection, batch: Batch) -> list[Receipt]:
    """Return the receipts of a written batch, in its order."""
    refs = _sync_refs(connection, batch)
    return [
        Receipt(
            delivery=row["original"] or row["id"],
            sender=row["sender"],
            outcome=Outcome(row["outcome"]),
            reason=row["reason"],
            syncs=list(dict.fromkeys(refs[row["id"]])),
            syncs_total=row["syncs_total"] or None,
        )
        for row in batch.deliveries
    ]


def _sync_refs(connection: Connection, batch: Batch) -> dict[str, list[SyncRef]]:
    """Return the syncs that carry the pushes of each delivery, by delivery id."""
    original_ids = {row["original"] for row in batch.pushes if row["original"]}
    earlier_syncs = _syncs_of_pushes(connection, original_ids)
    own = group((row["push"], _sync_ref(row)) for row in batch.syncs.values())
    earlier = group((row["push"], _sync_ref(row)) for row in earlier_syncs)
    refs: dict[str, list[SyncRef]] = {row["id"]: [] for row in batch.deliveries}
    for row in batch.pushes:
        original = row["original"]
        refs[row["delivery"]] += earlier.get(original, []) if original else own.get(row["id"], [])
    return refs


def _syncs_of_pushes(connection: Connection, push_ids: Collection[str]) -> list[Row]:
    """Return the syncs of earlier pushes; in place of a superseded one, the one that goes on."""
    rows = _SYNCS_OF_PUSHES.rows_in_portions(connection, "pushes", push_ids)
    superseded = {row["id"] for row in rows if row["superseded_by"] is not None}
    if not superseded:
        return rows
    successors = find_successors(connection, superseded)
    portions = in_portions(sorted({*successors.values()}))
    by_id = {row["id"]: row for ids in portions for row in _SYNCS.rows(connection, ids=ids)}
    return [{**row, **by_id.get(successors.get(row["id"], ""), {})} for row in rows]


_SYNCS_OF_PUSHES = PreparedStatement(
    select(*SYNC_COLUMNS, syncs.c.push).where(syncs.c.push.in_(bindparam("pushes", expanding=True)))
)


def _sync_ref(row: Mapping[str, Any]) -> SyncRef:
    image = image_name(row["namespace"], row["repository"], row["tag"])
    return SyncRef(row["id"], image, f"{row['target_region']}/{row['target_namespace']}")
