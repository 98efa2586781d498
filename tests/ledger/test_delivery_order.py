"""A large delivery that is expanded late counts as of the time at which it came in."""

from datetime import timedelta

import pytest

from swrhook.ledger.database import Database
from swrhook.ledger.expansion import due_expansions, expand_portion
from swrhook.ledger.tables import latest_pushes, pushes, syncs
from swrhook.model import State
from tests.factories import NOW, SECOND, A, B, all_syncs, entry, everything, push, write
from tests.ledger.large import LATER, MANY, expand, large, superseded, tags
from tests.ledger.receipts import ACCEPTED, DUPLICATE, ids


def test_the_ids_are_those_of_the_time_of_the_delivery(database: Database) -> None:
    first = write(database, large(*tags())).receipts[0]
    second = write(database, entry(push("other"))).receipts[0]

    expand(database)

    own = [row["id"] for row in everything(database, syncs) if row["delivery"] == first.delivery]
    assert len(own) == MANY
    assert first.delivery < min(own) < max(own) < ids(second)[0]
    assert {row["created_at"] for row in everything(database, syncs)} == {NOW}


def test_a_push_is_judged_as_of_its_delivery(database: Database) -> None:
    write(database, entry(push("v0", A), at=NOW - SECOND))  # repeated by the large one
    write(database, entry(push("v1", A), at=NOW - timedelta(hours=1)))  # too long ago
    large_one = write(database, large(*tags())).receipts[0]
    write(database, entry(push("v0", B), at=NOW + SECOND))
    later = write(database, entry(push("v2", A), at=NOW + SECOND)).receipts[0]

    expand(database)

    rows = [row for row in everything(database, pushes) if row["delivery"] == large_one.delivery]
    assert {row["tag"] for row in rows if row["original"] is not None} == {"v0"}
    assert later.outcome is ACCEPTED


def test_an_event_of_a_later_delivery_is_not_repeated_by_an_earlier_one(database: Database) -> None:
    events = [push(f"v{n}", A, f"e{n}") for n in range(MANY)]
    first = write(database, large(*events)).receipts[0]
    later = write(database, entry(events[5])).receipts[0]

    expand(database)

    rows = {(row["delivery"], row["tag"]): row for row in everything(database, pushes)}
    assert (later.outcome, rows[first.delivery, "v5"]["original"]) == (ACCEPTED, None)
    assert rows[first.delivery, "v5"]["event_key"] is None
    assert rows[later.delivery, "v5"]["event_key"] is not None
    assert write(database, entry(events[5])).receipts[0].delivery == later.delivery


# Order


def test_an_earlier_push_is_superseded_by_what_was_recorded_later(database: Database) -> None:
    large_one = write(database, large(*tags())).receipts[0]
    expand(database, 1)
    later = write(database, entry(push("v1000", B), at=NOW + SECOND)).receipts[0]

    portions = expand(database)

    of_tag = {sync.delivery: sync for sync in all_syncs(database) if sync.tag == "v1000"}
    older, newer = of_tag[large_one.delivery], of_tag[later.delivery]
    assert (older.state, older.superseded_by) == (State.SUPERSEDED, newer.id)
    assert (older.due_at, newer.state) == (None, State.PENDING)
    assert superseded(portions) == [older.id]


@pytest.mark.parametrize("state", [State.VERIFIED, State.CANCELLED, State.CALLING])
def test_whatever_became_of_the_later_push(database: Database, state: State) -> None:
    large_one = write(database, large(*tags())).receipts[0]
    later = write(database, entry(push("v3", B), at=NOW + SECOND)).receipts[0]
    with database.write() as connection:
        connection.execute(syncs.update().values(state=state.value, due_at=None))

    expand(database)

    states = {sync.delivery: sync for sync in all_syncs(database) if sync.tag == "v3"}
    assert states[large_one.delivery].superseded_by == ids(later)[0]
    assert states[later.delivery].state is state


def test_a_later_push_supersedes_what_was_expanded_before(database: Database) -> None:
    write(database, large(*tags()))
    expand(database)
    recording = write(database, entry(push("v7", B), at=LATER + SECOND))

    assert [sync.tag for sync in recording.superseded] == ["v7"]
    assert recording.receipts[0].outcome is ACCEPTED


def test_an_earlier_push_is_superseded_by_a_large_delivery(database: Database) -> None:
    write(database, entry(push("v9", B), at=NOW - SECOND))
    write(database, large(*tags()))

    [earlier] = [sync for sync in all_syncs(database) if sync.tag == "v9"]
    assert superseded(expand(database)) == [earlier.id]


def test_the_later_of_two_large_deliveries_wins_in_whatever_order_they_are_expanded(
    database: Database,
) -> None:
    first = write(database, large(*tags(digest=A))).receipts[0]
    second = write(database, large(*tags(digest=B))).receipts[0]
    for receipt in (second, first):
        number = 0
        while True:
            with database.write() as connection:
                of_one = [
                    due
                    for due in due_expansions(connection, LATER)
                    if due.delivery == receipt.delivery
                ]
                if not of_one:
                    break
                expand_portion(connection, of_one[0], LATER)
                number += 1
        assert number > 1

    latest = everything(database, latest_pushes)
    states = {
        delivery: {sync.state for sync in all_syncs(database) if sync.delivery == delivery}
        for delivery in (first.delivery, second.delivery)
    }
    assert states == {first.delivery: {State.SUPERSEDED}, second.delivery: {State.PENDING}}
    assert {row["delivery"] for row in latest} == {second.delivery}


def test_the_latest_push_of_a_tag_stays_the_latest(database: Database) -> None:
    write(database, large(*tags()))
    later = write(database, entry(push("v4", B), at=NOW + SECOND)).receipts[0]

    expand(database)

    latest = {row["key"]: row for row in everything(database, latest_pushes)}
    assert latest["harbor team/web/shop:v4"]["delivery"] == later.delivery
    assert latest["harbor team/web/shop:v5"]["delivery"] != later.delivery
    assert write(database, entry(push("v4", B), at=LATER)).receipts[0].outcome is DUPLICATE


def test_two_digests_of_a_tag_in_one_large_delivery_end_with_the_last(database: Database) -> None:
    write(database, large(push("v0", B), *tags(), push("v1", B)))

    expand(database)

    digests = {sync.tag: sync.digest for sync in all_syncs(database) if sync.state is State.PENDING}
    assert (digests["v0"], digests["v1"], len(digests)) == (A, B, MANY)


def test_a_replay_supersedes_what_is_left_of_its_original(database: Database) -> None:
    first = write(database, large(*tags())).receipts[0]
    again = write(database, large(*tags(), replayed_from=first.delivery)).receipts[0]

    expand(database)

    states = {(sync.delivery, sync.state) for sync in all_syncs(database)}
    assert states == {(first.delivery, State.SUPERSEDED), (again.delivery, State.PENDING)}
