"""Chains of superseded syncs: which sync goes on in place of another."""

import itertools

from swrhook.ledger.database import Database
from swrhook.ledger.successors import find_successors
from swrhook.model import State
from tests.factories import A, entry, push, put, write
from tests.ledger.receipts import DUPLICATE, ids


def put_chain(database: Database, first: int, last: int) -> list[str]:
    """Put syncs of which each is superseded by the next one; return their ids."""
    chain = [f"{number:026}" for number in range(first, last + 1)]
    for sync_id, heir in itertools.pairwise(chain):
        put(database, State.SUPERSEDED, id=sync_id, superseded_by=heir)
    put(database, id=chain[-1])
    return chain


def test_a_chain_ends_with_the_sync_that_goes_on(database: Database) -> None:
    first, second = put_chain(database, 1, 4), put_chain(database, 5, 6)

    with database.read() as connection:
        successors = find_successors(connection, [first[0], first[2], second[1], "unknown"])

    assert successors == {first[0]: first[3], first[2]: first[3], second[1]: second[1]}


def test_a_chain_ends_with_the_last_one_that_is_kept(database: Database) -> None:
    put(database, State.SUPERSEDED, id="1" * 26, superseded_by="2" * 26)
    put(database, State.SUPERSEDED, id="2" * 26, superseded_by="3" * 26)  # has been deleted

    with database.read() as connection:
        assert find_successors(connection, ["1" * 26]) == {"1" * 26: "2" * 26}


def test_no_ids_have_no_successors(database: Database) -> None:
    with database.read() as connection:
        assert find_successors(connection, []) == {}


def test_a_redelivery_names_the_sync_that_goes_on_after_many_pushes(database: Database) -> None:
    repeated = entry(push(digest=A, event_id="e0"))
    write(database, repeated)
    for number in range(1, 30):
        last = write(database, entry(push(digest=A, event_id=f"e{number}"))).receipts[0]

    receipt = write(database, repeated).receipts[0]

    assert (receipt.outcome, ids(receipt)) == (DUPLICATE, ids(last))
