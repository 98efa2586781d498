"""Record a large delivery as one row, with its pushes packed: `expansion` records them later.

The ids of its pushes and syncs are reserved with its own, and so sort as if they had been recorded
with it: after all that was recorded before it, and before all that is recorded later.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import count

from sqlalchemy import Connection, bindparam, insert, select, update

from swrhook.ledger.deduplication import Batch, Row, delivery_row
from swrhook.ledger.sql import PreparedStatement
from swrhook.ledger.tables import IS_LARGE, deliveries, expansion_portions, expansions
from swrhook.ledger.types import new_id, nth_id_after
from swrhook.model import DeliveryEntry, Outcome, PackedPushes

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class ReservedIds:
    """The ids of the pushes and syncs of a large delivery: they follow its own."""

    delivery: str
    pushes_total: int
    syncs_total: int

    @property
    def last(self) -> str:
        """Return the last one; everything that was recorded later has a greater id."""
        return nth_id_after(self.delivery, self.pushes_total + self.syncs_total)

    def of_pushes(self, first: int) -> Iterator[str]:
        """Yield the ids of the pushes, beginning with that number; the first one is 0."""
        return (nth_id_after(self.delivery, number) for number in count(1 + first))

    def of_syncs(self, first: int) -> Iterator[str]:
        """Yield the ids of the syncs, beginning with that number; the first one is 0."""
        return self.of_pushes(self.pushes_total + first)


def add_large(
    connection: Connection, batch: Batch, entry: DeliveryEntry, packed: PackedPushes
) -> None:
    """Add the rows of a large delivery. It is a duplicate if its own id is known already."""
    original = _find_original(connection, entry, packed)
    if original is not None:
        row = delivery_row(batch, entry, new_id(), Outcome.DUPLICATE, original["id"])
        batch.deliveries.append(row | {"syncs_total": original["syncs_total"]})
        return
    delivery_id = new_id(followed_by=packed.pushes_total + packed.syncs_total)
    row = delivery_row(batch, entry, delivery_id, entry.outcome, None)
    if row["body"] is not None:
        batch.bodies[delivery_id] = row["body"]
    batch.deliveries.append(row | {"body": None})
    batch.portions += [
        {"delivery": delivery_id, "number": number, "pushes": portion}
        for number, portion in enumerate(packed.portions)
    ]
    batch.expansions.append(
        {
            "delivery": delivery_id,
            "sender": entry.sender,
            "region": packed.region,
            "dedup_window": entry.dedup_window // _MICROSECOND,
            "next_portion": 0,
            "pushes_left": packed.pushes_total,
            "fresh_pushes": 0,
            "original": None,
            "over_max_open": False,
            "due_at": entry.received_at,
        }
    )


def write_large(connection: Connection, batch: Batch) -> None:
    """Write what a batch has of large deliveries, whose own rows are written.

    Megabytes go to PostgreSQL as binary parameters. In the arrays of `insert_rows` they would be
    text, which takes the driver and the server a second.
    """
    connection.execute(insert(expansions), batch.expansions)
    connection.execute(insert(expansion_portions), batch.portions)
    for delivery_id, body in batch.bodies.items():
        is_delivery = deliveries.c.id == delivery_id
        connection.execute(update(deliveries).where(is_delivery).values(body=body))


def _find_original(
    connection: Connection, entry: DeliveryEntry, packed: PackedPushes
) -> Row | None:
    """Return the delivery that this one repeats as a whole.

    Without an id of the whole delivery, its pushes are compared one by one when it is expanded.
    """
    is_comparable = packed.has_own_id and entry.external_id is not None
    if entry.replayed_from is not None or entry.outcome is not Outcome.ACCEPTED:
        is_comparable = False
    if not is_comparable:
        return None
    rows = _SAME_ID.rows(
        connection,
        sender=entry.sender,
        pushes_total=packed.pushes_total,
        external_id=entry.external_id,
    )
    return next(iter(rows), None)


_SAME_ID = PreparedStatement(
    select(deliveries.c.id, deliveries.c.syncs_total)
    .where(
        IS_LARGE,
        deliveries.c.sender == bindparam("sender"),
        deliveries.c.pushes_total == bindparam("pushes_total"),
        deliveries.c.external_id == bindparam("external_id"),
        deliveries.c.outcome == Outcome.ACCEPTED.value,
    )
    .order_by(deliveries.c.id)
    .limit(1)
)
