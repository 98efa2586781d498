"""Expand large deliveries: record their pushes and syncs, portion by portion.

Each portion is one short transaction, which also moves on to the next portion. So a process that is
killed leaves nothing half done, and the row lock of a delivery is all that keeps two processes from
the same portion. The result is the same as if all had been recorded when the delivery came in: ids
and times are those of the delivery, and what came in since is newer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, select, update

from swrhook.ledger.deduplication import Row, add_pushes
from swrhook.ledger.deliveries import Recording, write_batch
from swrhook.ledger.delivery_order import lock_batch
from swrhook.ledger.lanes import schedule_lanes
from swrhook.ledger.large_deliveries import ReservedIds
from swrhook.ledger.portions import Portion, unpack
from swrhook.ledger.sql import PreparedStatement
from swrhook.ledger.tables import OPEN, deliveries, expansion_portions, expansions, syncs
from swrhook.model import DeliveryEntry, Outcome, Urgency

# So many deliveries are looked at for one that no other process works on.
_MOST_DUE = 16
# No portion is due later than this from now, unless the clock was set back since.
_LONGEST_WAIT = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Expansion:
    """A large delivery whose next portion is due."""

    delivery: str
    sender: str
    next_portion: int


@dataclass(frozen=True, slots=True)
class RecordedPortion:
    """What a portion recorded; the outcome of the delivery after the last one, else None."""

    recording: Recording
    outcome: Outcome | None


def due_expansions(connection: Connection, now: datetime) -> list[Expansion]:
    """Return deliveries to expand, in turn: the one whose last portion is longest ago is first."""
    rows = _DUE.rows(connection, now=now, latest=now + _LONGEST_WAIT)
    return [Expansion(**row) for row in rows]


_DUE = PreparedStatement(
    select(expansions.c.delivery, expansions.c.sender, expansions.c.next_portion)
    .where(
        (expansions.c.due_at <= bindparam("now", type_=expansions.c.due_at.type))
        | (expansions.c.due_at > bindparam("latest", type_=expansions.c.due_at.type))
    )
    .order_by(expansions.c.due_at, expansions.c.delivery)
    .limit(_MOST_DUE)
)


def count_open(connection: Connection, sender: str, most: int) -> int:
    """Return how many syncs of a sender are open, counted up to `most`."""
    some = select(syncs.c.id).where(syncs.c.sender == sender, OPEN).limit(most)
    return connection.scalar(select(func.count()).select_from(some.subquery())) or 0


def postpone(connection: Connection, expansion: Expansion, until: datetime) -> None:
    """Put an expansion off: its sender has too many open syncs."""
    _update(connection, expansion, {"due_at": until, "over_max_open": True})


def expand_portion(
    connection: Connection, expansion: Expansion, now: datetime
) -> RecordedPortion | None:
    """Record the next portion of a delivery; None if another process does."""
    delivery = _lock(connection, expansion)
    if delivery is None:
        return None
    portion, ids = _read_portion(connection, delivery), _ids(delivery)
    entry = _entry(delivery, portion)
    batch = lock_batch(connection, entry, portion, ids)
    originals = add_pushes(batch, entry, ids.delivery)
    for row in batch.syncs.values():
        # What is about the delivery has its time; the sync itself is due now.
        is_open = row["superseded_by"] is None
        row |= {"updated_at": now, "due_at": now if is_open else None}
    superseded = write_batch(connection, batch)
    lanes = schedule_lanes(connection, batch.lanes, Urgency.FRESH, now)
    outcome = _advance(connection, delivery, portion, originals, now)
    return RecordedPortion(Recording((), superseded, lanes), outcome)


def _lock(connection: Connection, expansion: Expansion) -> Row | None:
    return next(iter(_LOCK.rows(connection, **_key(expansion))), None)


def _key(expansion: Expansion) -> Mapping[str, Any]:
    return {"delivery_id": expansion.delivery, "portion": expansion.next_portion}


_IS_NEXT = (
    expansions.c.delivery == bindparam("delivery_id"),
    expansions.c.next_portion == bindparam("portion"),
)
_OF_DELIVERY = [
    deliveries.c[name]
    for name in (
        "dialect",
        "outcome",
        "received_at",
        "external_id",
        "rules_version",
        "replayed_from",
        "pushes_total",
        "syncs_total",
    )
]
_LOCK = PreparedStatement(
    select(expansions, *_OF_DELIVERY)
    .join_from(expansions, deliveries, deliveries.c.id == expansions.c.delivery)
    .where(*_IS_NEXT)
    .with_for_update(of=expansions, skip_locked=True)  # nothing on SQLite
)
_PORTION = PreparedStatement(
    select(expansion_portions.c.pushes).where(
        expansion_portions.c.delivery == bindparam("delivery_id"),
        expansion_portions.c.number == bindparam("portion"),
    )
)


def _read_portion(connection: Connection, delivery: Row) -> Portion:
    body = _PORTION.scalar(
        connection, delivery_id=delivery["delivery"], portion=delivery["next_portion"]
    )
    return unpack(body, delivery["sender"], delivery["region"])


def _ids(delivery: Row) -> ReservedIds:
    return ReservedIds(delivery["delivery"], delivery["pushes_total"], delivery["syncs_total"])


def _entry(delivery: Row, portion: Portion) -> DeliveryEntry:
    return DeliveryEntry(
        sender=delivery["sender"],
        dialect=delivery["dialect"],
        outcome=Outcome(delivery["outcome"]),
        reason=None,
        received_at=delivery["received_at"],
        rules_version=delivery["rules_version"],
        dedup_window=timedelta(microseconds=delivery["dedup_window"]),
        pushes=portion.pushes,
        planned=portion.planned,
        replayed_from=delivery["replayed_from"],
    )


def _advance(
    connection: Connection,
    delivery: Row,
    portion: Portion,
    originals: Sequence[Row | None],
    now: datetime,
) -> Outcome | None:
    """Move on to the next portion; after the last one, return the outcome of the delivery."""
    repeated = [row for row in originals if row is not None]
    fresh = delivery["fresh_pushes"] + len(originals) - len(repeated)
    original = delivery["original"] or next((row["delivery"] for row in repeated), None)
    number = delivery["next_portion"]
    connection.execute(
        delete(expansion_portions).where(
            expansion_portions.c.delivery == delivery["delivery"],
            expansion_portions.c.number == number,
        )
    )
    is_of_delivery = expansions.c.delivery == delivery["delivery"]
    pushes_left = delivery["pushes_left"] - len(portion.pushes)
    if pushes_left:
        values = {
            "next_portion": number + 1,
            "pushes_left": pushes_left,
            "fresh_pushes": fresh,
            "original": original,
            "over_max_open": False,
            "due_at": now,
        }
        connection.execute(update(expansions).where(is_of_delivery).values(values))
        return None
    connection.execute(delete(expansions).where(is_of_delivery))
    if fresh or not delivery["syncs_total"]:
        return Outcome(delivery["outcome"])
    repeats = {"outcome": Outcome.DUPLICATE.value, "original": original}
    is_delivery = deliveries.c.id == delivery["delivery"]
    connection.execute(update(deliveries).where(is_delivery).values(repeats))
    return Outcome.DUPLICATE


def _update(connection: Connection, expansion: Expansion, values: Mapping[str, Any]) -> None:
    is_next = (
        expansions.c.delivery == expansion.delivery,
        expansions.c.next_portion == expansion.next_portion,
    )
    connection.execute(update(expansions).where(*is_next).values(values))
