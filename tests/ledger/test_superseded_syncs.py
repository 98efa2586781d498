"""Which syncs a later push of the same tag supersedes."""

from dataclasses import replace

import pytest

from swrhook.ledger.database import Database
from swrhook.model import END_STATES, State, Sync
from tests.factories import (
    NOW,
    OTHER_TARGET,
    SECOND,
    TARGET,
    A,
    B,
    C,
    all_syncs,
    entry,
    find,
    push,
    put,
    write,
)
from tests.ledger.receipts import Record, both_ways, ids, open_ids, superseded_ids


@pytest.mark.parametrize("state", [State.PENDING, State.TRIGGERED])
def test_a_later_push_supersedes_an_earlier_one(database: Database, state: State) -> None:
    earlier = put(database, state, due_at=NOW)

    recording = write(database, entry(push(digest=B), at=NOW + SECOND))

    ended = find(database, earlier.id)
    heir = ids(recording.receipts[0])[0]
    assert (ended.state, ended.superseded_by, ended.due_at) == (State.SUPERSEDED, heir, None)
    assert [earlier.id] == superseded_ids(recording)
    assert open_ids(database) == [heir]


def test_a_superseded_sync_with_a_call_in_flight_ends_when_the_call_is_settled(
    database: Database,
) -> None:
    earlier = put(database, State.CALLING, claim="C" * 26)

    recording = write(database, entry(push(digest=B), at=NOW + SECOND))

    held = find(database, earlier.id)
    heir = ids(recording.receipts[0])[0]
    assert (held.state, held.superseded_by, held.claim) == (State.CALLING, heir, "C" * 26)
    assert recording.superseded == []


@pytest.mark.parametrize("state", sorted(END_STATES))
def test_an_ended_sync_is_not_superseded(database: Database, state: State) -> None:
    ended = put(database, state)

    recording = write(database, entry(push(digest=B)))

    assert find(database, ended.id) == ended
    assert recording.superseded == []


def test_the_same_tag_to_another_target_is_not_superseded(database: Database) -> None:
    write(database, entry(push(digest=A), targets=[TARGET, OTHER_TARGET]))

    recording = write(database, entry(push(digest=B)))

    assert [sync.lane.target for sync in recording.superseded] == [TARGET]


def test_a_change_of_override_does_not_hide_the_earlier_push(database: Database) -> None:
    keep = write(database, entry(push(digest=A), override=False))

    overwrite = write(database, entry(push(digest=B), override=True))

    assert ids(keep.receipts[0]) == superseded_ids(overwrite)


def test_a_push_of_another_sender_supersedes_too(database: Database) -> None:
    first = write(database, entry(push(digest=A)))

    second = write(database, entry(replace(push(digest=B), sender="ci")))

    assert ids(first.receipts[0]) == superseded_ids(second)


@both_ways
def test_the_last_of_many_pushes_of_a_tag_stays_open(database: Database, record: Record) -> None:
    receipts = record(database, *[entry(push(digest=digest), at=NOW) for digest in (A, B, C, None)])

    states = {sync.id: (sync.state, sync.superseded_by) for sync in all_syncs(database)}
    chain = [ids(receipt)[0] for receipt in receipts]
    assert states == {
        chain[0]: (State.SUPERSEDED, chain[1]),
        chain[1]: (State.SUPERSEDED, chain[2]),
        chain[2]: (State.SUPERSEDED, chain[3]),
        chain[3]: (State.PENDING, None),
    }


def test_a_sync_superseded_within_its_batch_is_reported_too(database: Database) -> None:
    entries = [entry(push(digest=digest)) for digest in (A, B, C)]

    recording = write(database, *entries)

    first, second, _ = (ids(receipt)[0] for receipt in recording.receipts)
    assert sorted([first, second]) == superseded_ids(recording)


def test_two_digests_of_a_tag_in_one_delivery_end_with_the_last(database: Database) -> None:
    write(database, entry(push(digest=A), push(digest=B)))

    going_on: list[Sync] = [sync for sync in all_syncs(database) if sync.state is State.PENDING]
    assert [sync.digest for sync in going_on] == [B]
