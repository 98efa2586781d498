"""Large deliveries are recorded as one row, and recognized when they are repeated as a whole."""

from dataclasses import replace
from typing import Any

import pytest

from swrhook.ledger.database import Database
from swrhook.ledger.portions import LARGE, is_large
from swrhook.ledger.tables import deliveries, expansions, lanes, pushes, syncs
from tests.factories import OTHER_TARGET, TARGET, A, entry, everything, push, write
from tests.ledger.large import MANY, expand, large, tags
from tests.ledger.receipts import ACCEPTED, DUPLICATE

# How a large delivery is recorded


def test_a_delivery_is_large_with_more_pushes_or_syncs_than_one_transaction_takes() -> None:
    assert not is_large(entry(*tags(LARGE)))
    assert is_large(entry(*tags(LARGE + 1)))
    assert is_large(entry(*tags(LARGE // 2 + 1), targets=[TARGET, OTHER_TARGET]))
    assert is_large(entry(*tags(LARGE + 1), planned=()))


def test_a_large_delivery_is_one_row_at_first(database: Database) -> None:
    receipt = write(database, large(*tags(), targets=[TARGET, OTHER_TARGET])).receipts[0]

    [row] = everything(database, deliveries)
    assert (receipt.delivery, receipt.outcome) == (row["id"], ACCEPTED)
    assert (receipt.syncs, receipt.syncs_total) == ([], 2 * MANY)
    assert (row["pushes_total"], row["syncs_total"]) == (MANY, 2 * MANY)
    assert row["body"] == b"the body"
    assert [everything(database, table) for table in (pushes, syncs, lanes)] == [[], [], []]


def test_a_push_with_very_many_targets_is_a_portion(database: Database) -> None:
    targets = [replace(TARGET, namespace=f"n{n}") for n in range(LARGE + 1)]
    write(database, large(push("v1"), push("v2"), targets=targets))

    assert [len(everything(database, syncs)) for _ in expand(database)][-1] == 2 * (LARGE + 1)


# Duplicates


def test_a_known_id_of_the_whole_delivery_is_a_duplicate_at_once(database: Database) -> None:
    delivered = large(*tags(event_id="e1"), external_id="e1")

    first, again = (write(database, delivered).receipts[0] for _ in range(2))

    assert (again.outcome, again.delivery) == (DUPLICATE, first.delivery)
    assert (again.syncs, again.syncs_total) == ([], MANY)
    assert len(everything(database, expansions)) == 1


@pytest.mark.parametrize(
    "changes",
    [{"external_id": "e2"}, {"sender": "ci"}, {"replayed_from": "1"}, {"external_id": None}],
)
def test_another_delivery_is_expanded(database: Database, changes: dict[str, Any]) -> None:
    delivered = large(*tags(event_id="e1"), external_id="e1")
    write(database, delivered)

    assert write(database, replace(delivered, **changes)).receipts[0].outcome is ACCEPTED


def test_an_id_that_is_only_the_first_event_s_does_not_decide(database: Database) -> None:
    first = [push(f"v{n}", A, f"e{n}") for n in range(MANY)]
    second = [first[0], *(push(f"w{n}", A, f"f{n}") for n in range(1, MANY))]

    write(database, large(*first, external_id="e0"))
    receipt = write(database, large(*second, external_id="e0")).receipts[0]
    expand(database)

    assert receipt.outcome is ACCEPTED
    assert len(everything(database, syncs)) == 2 * MANY - 1
