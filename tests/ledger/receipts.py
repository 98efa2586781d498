"""Ways to record deliveries, and to read what became of them."""

from collections.abc import Callable, Sequence

import pytest

from swrhook.ledger.database import Database
from swrhook.ledger.deliveries import Recording
from swrhook.ledger.tables import syncs
from swrhook.model import END_STATES, DeliveryEntry, Outcome, Receipt, State
from tests.factories import all_syncs, write

ACCEPTED, DUPLICATE = Outcome.ACCEPTED, Outcome.DUPLICATE
Record = Callable[..., Sequence[Receipt]]


def in_one_batch(database: Database, *entries: DeliveryEntry) -> Sequence[Receipt]:
    return write(database, *entries).receipts


def in_many_batches(database: Database, *entries: DeliveryEntry) -> Sequence[Receipt]:
    return [write(database, each).receipts[0] for each in entries]


both_ways = pytest.mark.parametrize("record", [in_one_batch, in_many_batches])


def outcomes(receipts: Sequence[Receipt]) -> list[Outcome]:
    return [receipt.outcome for receipt in receipts]


def ids(receipt: Receipt) -> list[str]:
    return [ref.id for ref in receipt.syncs]


def open_ids(database: Database) -> list[str]:
    return [sync.id for sync in all_syncs(database) if sync.state not in END_STATES]


def superseded_ids(recording: Recording) -> list[str]:
    return sorted(sync.id for sync in recording.superseded)


def end_all(database: Database) -> None:
    with database.write() as connection:
        ended = syncs.update().values(state=State.VERIFIED.value, due_at=None)
        connection.execute(ended.where(syncs.c.state == State.PENDING.value))
