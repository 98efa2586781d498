"""Which pushes are duplicates, by event id and by digest."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete

from swrhook.ledger.database import Database
from swrhook.ledger.tables import pushes, syncs
from swrhook.model import Outcome
from tests.factories import (
    MINUTE,
    NOW,
    SECOND,
    WINDOW,
    A,
    B,
    all_syncs,
    entry,
    everything,
    push,
    write,
)
from tests.ledger.receipts import (
    ACCEPTED,
    DUPLICATE,
    Record,
    both_ways,
    ids,
    in_many_batches,
    open_ids,
    outcomes,
)


@both_ways
def test_the_same_event_id_is_a_duplicate_whenever_it_comes(
    database: Database, record: Record
) -> None:
    first = entry(push(digest=A, event_id="e1"))
    again = replace(first, received_at=NOW + timedelta(days=90))

    original, duplicate = record(database, first, again)

    assert (original.outcome, duplicate.outcome) == (ACCEPTED, DUPLICATE)
    assert original.delivery == duplicate.delivery
    assert original.syncs == duplicate.syncs
    assert len(all_syncs(database)) == 1


@both_ways
def test_an_event_id_may_be_of_any_length(database: Database, record: Record) -> None:
    long = "\u6807" * 1024
    first, other = push(digest=A, event_id=long), push(digest=A, event_id=f"{long[1:]}x")

    receipts = record(database, entry(first), entry(other), entry(first), entry(other))

    assert outcomes(receipts) == [ACCEPTED, ACCEPTED, DUPLICATE, DUPLICATE]
    # PostgreSQL indexes no text of more than 2,704 bytes.
    keys = [row["event_key"] for row in everything(database, pushes) if row["event_key"]]
    assert max(len(key.encode()) for key in keys) < 2704


@both_ways
def test_another_event_id_is_no_duplicate_though_the_digest_is_the_same(
    database: Database, record: Record
) -> None:
    receipts = record(
        database, entry(push(digest=A, event_id="e1")), entry(push(digest=A, event_id="e2"))
    )

    assert outcomes(receipts) == [ACCEPTED, ACCEPTED]


@both_ways
def test_an_event_id_counts_for_its_sender_and_tag_alone(
    database: Database, record: Record
) -> None:
    first = push("v1", A, "e1")
    of_another_sender = replace(first, sender="quay")

    receipts = record(
        database, entry(first), entry(of_another_sender), entry(replace(first, tag="v2"))
    )

    assert outcomes(receipts) == [ACCEPTED] * 3


@both_ways
def test_without_an_id_the_same_digest_is_a_duplicate_within_the_window(
    database: Database, record: Record
) -> None:
    receipts = record(
        database,
        entry(push(digest=A)),
        entry(push(digest=A), at=NOW + WINDOW - SECOND),
        entry(push(digest=A), at=NOW + WINDOW),
    )

    assert outcomes(receipts) == [ACCEPTED, DUPLICATE, ACCEPTED]


@both_ways
def test_neither_id_nor_digest_is_never_a_duplicate(database: Database, record: Record) -> None:
    receipts = record(database, *[entry(push(digest=None))] * 3)

    assert outcomes(receipts) == [ACCEPTED] * 3


@both_ways
def test_a_tag_that_moves_there_and_back_is_three_pushes(
    database: Database, record: Record
) -> None:
    receipts = record(database, entry(push(digest=A)), entry(push(digest=B)), entry(push(digest=A)))

    assert outcomes(receipts) == [ACCEPTED] * 3
    assert [*ids(receipts[2])] == open_ids(database)


@both_ways
def test_a_push_without_digest_may_have_moved_the_tag(database: Database, record: Record) -> None:
    receipts = record(
        database, entry(push(digest=A)), entry(push(digest=None)), entry(push(digest=A))
    )

    assert outcomes(receipts) == [ACCEPTED] * 3


@both_ways
def test_a_push_without_event_id_is_compared_with_one_that_has_an_id(
    database: Database, record: Record
) -> None:
    receipts = record(
        database,
        entry(push(digest=A, event_id="e1")),
        entry(push(digest=A)),
        entry(push(digest=B, event_id="e2")),
        entry(push(digest=A)),
    )

    assert outcomes(receipts) == [ACCEPTED, DUPLICATE, ACCEPTED, ACCEPTED]


@both_ways
def test_another_image_sender_or_digest_is_no_duplicate(database: Database, record: Record) -> None:
    first = push(digest=A)
    others = [
        replace(first, sender="quay"),
        replace(first, namespace="other"),
        replace(first, repository="web"),
        replace(first, tag="v2"),
        replace(first, digest=B),
    ]

    receipts = record(database, entry(first), *[entry(other) for other in others])

    assert outcomes(receipts) == [ACCEPTED] * 6


@both_ways
@pytest.mark.parametrize("outcome", [Outcome.IGNORED, Outcome.QUARANTINED])
def test_a_redelivery_of_an_ignored_delivery_is_no_duplicate(
    database: Database, record: Record, outcome: Outcome
) -> None:
    wanted = entry(push(digest=A, event_id="e1"), push("v2", A))
    read = wanted.pushes if outcome is Outcome.IGNORED else ()
    refused = replace(wanted, outcome=outcome, planned=(), pushes=read)

    receipts = record(database, refused, refused, wanted, wanted)

    assert outcomes(receipts) == [outcome, outcome, ACCEPTED, DUPLICATE]


@both_ways
def test_a_delivery_is_a_duplicate_only_if_all_its_pushes_are(
    database: Database, record: Record
) -> None:
    known, fresh = push("v1", A, "e1"), push("v2", A, "e2")

    first, second, third = record(database, entry(known), entry(known, fresh), entry(known, fresh))

    assert outcomes([first, second, third]) == [ACCEPTED, ACCEPTED, DUPLICATE]
    assert second.delivery != first.delivery
    assert [ref.image for ref in second.syncs] == ["team/web/shop:v1", "team/web/shop:v2"]
    assert ids(first)[0] == ids(second)[0]
    assert second.syncs == third.syncs
    assert len(all_syncs(database)) == 2


@both_ways
def test_a_push_without_a_rule_does_not_make_a_redelivery_fresh(
    database: Database, record: Record
) -> None:
    wanted, unwanted = push("v1", A), push("dev", A)
    mixed = replace(entry(wanted), pushes=(wanted, unwanted))

    receipts = record(database, mixed, mixed)

    assert outcomes(receipts) == [ACCEPTED, DUPLICATE]


@both_ways
def test_a_duplicate_names_the_sync_that_superseded_its_own(
    database: Database, record: Record
) -> None:
    old, new = entry(push(digest=A, event_id="e1")), entry(push(digest=B, event_id="e2"))

    _, second, again = record(database, old, new, old)

    assert again.outcome is DUPLICATE
    assert ids(second) == ids(again) == open_ids(database)


def test_a_duplicate_names_the_superseded_sync_when_the_later_one_is_pruned(
    database: Database,
) -> None:
    old, new = entry(push(digest=A, event_id="e1")), entry(push(digest=B, event_id="e2"))
    first, second = in_many_batches(database, old, new)
    with database.write() as connection:
        connection.execute(delete(syncs).where(syncs.c.id == ids(second)[0]))

    again = write(database, old).receipts[0]

    assert (DUPLICATE, ids(first)) == (again.outcome, ids(again))


def test_a_push_announced_twice_in_a_delivery_is_one_push(database: Database) -> None:
    earlier, later = (
        replace(push(digest=A), pushed_at=NOW - MINUTE),
        replace(push(digest=A), pushed_at=NOW),
    )

    receipt = write(database, entry(earlier, later)).receipts[0]

    assert receipt.outcome is ACCEPTED
    assert [sync.id for sync in all_syncs(database)] == ids(receipt)
