"""What a sender is told: which syncs carry the pushes of its delivery."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from swrhook.ledger.batch import Batch, Row
from swrhook.ledger.rows import WHOLE_SYNC
from swrhook.ledger.statements import portions
from swrhook.ledger.tables import syncs
from swrhook.model import Outcome, Receipt, SyncRef


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
        source=delivery["source"],
        outcome=Outcome(delivery["outcome"]),
        reason=delivery["reason"],
        syncs=list(dict.fromkeys(refs[delivery["id"]])),
    )


def _ref(row: Mapping[str, Any]) -> SyncRef:
    image = f"{row['namespace']}/{row['repository']}:{row['tag']}"
    return SyncRef(row["id"], image, f"{row['target_region']}/{row['target_namespace']}")
