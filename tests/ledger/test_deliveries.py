"""Record deliveries: duplicates, superseded syncs, receipts and lanes."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete

from swrhook.ledger.database import Database
from swrhook.ledger.deliveries import Recording
from swrhook.ledger.tables import deliveries, lanes, latest_pushes, pushes, syncs
from swrhook.model import END_STATES, DeliveryEntry, Outcome, Receipt, State, Sync
from tests.factories import (
    LANE,
    MINUTE,
    NOW,
    OTHER_TARGET,
    SECOND,
    TARGET,
    WINDOW,
    A,
    B,
    C,
    all_syncs,
    entry,
    everything,
    find,
    push,
    put,
    write,
)

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


# What a delivery becomes


def test_a_push_becomes_a_due_sync_for_each_target(database: Database) -> None:
    wanted = entry(push(digest=A), targets=[TARGET, OTHER_TARGET])

    receipt = write(database, wanted).receipts[0]

    recorded = all_syncs(database)
    assert receipt.outcome is ACCEPTED
    assert {sync.id for sync in recorded} == set(ids(receipt))
    assert {(ref.image, ref.target) for ref in receipt.syncs} == {
        ("team/web/shop:v1", "cn-east-3/team"),
        ("team/web/shop:v1", "ap-southeast-1/team"),
    }
    assert [(State.PENDING, A, receipt.delivery)] * 2 == [
        (sync.state, sync.digest, sync.delivery) for sync in recorded
    ]


def test_receipts_come_in_the_order_of_the_entries(database: Database) -> None:
    entries = [entry(push(f"v{n}", A), at=NOW + n * SECOND) for n in range(20)]

    receipts = write(database, *entries).receipts

    assert [r.syncs[0].image for r in receipts] == [f"team/web/shop:v{n}" for n in range(20)]
    by_id = {row["id"]: row["received_at"] for row in everything(database, deliveries)}
    assert [each.received_at for each in entries] == [by_id[r.delivery] for r in receipts]


def test_every_sync_names_its_rule_and_the_rules_version(database: Database) -> None:
    write(database, entry(push(), rules_version="abcdef012345"))

    row = everything(database, syncs)[0]

    assert (row["rule"], row["rules_version"]) == ("all", "abcdef012345")


def test_lanes_are_scheduled_once_for_all_their_tags(database: Database) -> None:
    recording = write(database, *[entry(push(f"v{n}", A)) for n in range(5)])

    assert recording.lanes == [LANE]
    assert [
        (row["key"], row["wake_at"]) for row in everything(database, lanes) if row["wake_at"]
    ] == [(LANE.key, NOW)]


def test_a_lane_scheduled_for_then_or_sooner_is_not_scheduled_again(database: Database) -> None:
    write(database, entry(push("v1", A)))

    later = write(database, entry(push("v2", A), at=NOW + SECOND))
    sooner = write(database, entry(push("v3", A), at=NOW - SECOND))

    assert (later.lanes, sooner.lanes) == ([], [LANE])


def test_an_ignored_delivery_keeps_its_pushes_but_not_its_body(database: Database) -> None:
    ignored = entry(push(), outcome=Outcome.IGNORED, reason="no rule matches", planned=())

    receipt = write(database, ignored).receipts[0]

    assert (
        receipt.outcome,
        receipt.reason,
        receipt.syncs,
    ) == (Outcome.IGNORED, "no rule matches", [])
    assert [row["body"] for row in everything(database, deliveries)] == [None]
    assert [row["tag"] for row in everything(database, pushes)] == ["v1"]
    assert everything(database, latest_pushes) == []


@both_ways
def test_bodies_are_kept_of_accepted_and_quarantined_deliveries_only(
    database: Database, record: Record
) -> None:
    accepted = entry(push(digest=A), body=b"accepted")
    repeated = replace(accepted, body=b"repeated")
    unknown = entry(outcome=Outcome.QUARANTINED, reason="no shape we know", body=b"unknown")

    record(database, accepted, repeated, unknown)

    bodies = {row["outcome"]: row["body"] for row in everything(database, deliveries)}
    assert bodies == {"accepted": b"accepted", "duplicate": None, "quarantined": b"unknown"}


# What is a duplicate


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


# What is superseded


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


# Size


def test_a_delivery_with_very_many_tags_is_recorded_whole(database: Database) -> None:
    tags = [push(f"v{n}", A, f"e{n}") for n in range(10_100)]
    wanted = entry(*tags)

    first, again = in_many_batches(database, wanted, wanted)

    assert outcomes([first, again]) == [ACCEPTED, DUPLICATE]
    assert len(first.syncs) == 10_100
    assert set(first.syncs) == set(again.syncs)


def test_a_mixed_batch_is_recorded_entry_by_entry(database: Database) -> None:
    old = write(database, entry(push("old", A))).receipts[0]
    end_all(database)
    entries = [
        entry(push("old", A), at=NOW + SECOND),
        entry(push("new", A)),
        entry(push("new", A)),
        entry(push("no", A), outcome=Outcome.IGNORED, planned=()),
        entry(outcome=Outcome.QUARANTINED),
        entry(push("new", B)),
        entry(push("old", B), push("new", B)),
    ]

    receipts = write(database, *entries).receipts

    assert outcomes(receipts) == [
        DUPLICATE,
        ACCEPTED,
        DUPLICATE,
        Outcome.IGNORED,
        Outcome.QUARANTINED,
        ACCEPTED,
        ACCEPTED,
    ]
    assert old.syncs == receipts[0].syncs
    assert ids(receipts[6])[1] == ids(receipts[5])[0]
