"""Record deliveries: receipts, syncs and lanes."""

from dataclasses import replace

from swrhook.ledger.database import Database
from swrhook.ledger.deliveries import record
from swrhook.ledger.tables import deliveries, latest_pushes, pushes, syncs
from swrhook.model import Outcome, State, Urgency
from tests.factories import (
    LANE,
    NOW,
    OTHER_TARGET,
    SECOND,
    TARGET,
    A,
    B,
    all_syncs,
    entry,
    everything,
    push,
    ready_lanes,
    write,
)
from tests.ledger.queue import flow, place, release, take
from tests.ledger.receipts import (
    ACCEPTED,
    DUPLICATE,
    Record,
    both_ways,
    end_all,
    ids,
    in_many_batches,
    outcomes,
)

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


def test_lanes_are_ready_once_for_all_their_tags(database: Database) -> None:
    recording = write(database, *[entry(push(f"v{n}", A)) for n in range(5)])

    assert recording.lanes == [LANE]
    assert place(database) == (str(flow()), NOW, True, None)
    assert ready_lanes(database) == [LANE]


def test_a_lane_that_waits_already_is_not_made_ready_again(database: Database) -> None:
    write(database, entry(push("v1", A)))

    assert write(database, entry(push("v2", A), at=NOW + SECOND)).lanes == []
    assert place(database)[1] == NOW


def test_a_push_to_a_lane_that_runs_is_seen_when_the_run_ends(database: Database) -> None:
    write(database, entry(push("v1", A)))
    assert take(database) == LANE
    end_all(database)

    assert write(database, entry(push("v2", A))).lanes == []
    assert release(database) == NOW
    assert ready_lanes(database) == [LANE]


def test_the_syncs_of_a_push_are_fresh(database: Database) -> None:
    write(database, entry(push(digest=A)))

    assert [row["urgency"] for row in everything(database, syncs)] == [Urgency.FRESH]


def test_an_ignored_delivery_keeps_its_pushes_and_its_body(database: Database) -> None:
    ignored = entry(push(), outcome=Outcome.IGNORED, reason="no rule matches", planned=())

    receipt = write(database, ignored).receipts[0]

    assert (
        receipt.outcome,
        receipt.reason,
        receipt.syncs,
    ) == (Outcome.IGNORED, "no rule matches", [])
    assert [row["body"] for row in everything(database, deliveries)] == [b"the body"]
    assert [row["tag"] for row in everything(database, pushes)] == ["v1"]
    assert everything(database, latest_pushes) == []


@both_ways
def test_the_bodies_of_all_deliveries_are_kept_at_first(database: Database, record: Record) -> None:
    accepted = entry(push(digest=A), body=b"accepted")
    repeated = replace(accepted, body=b"repeated")
    unknown = entry(outcome=Outcome.QUARANTINED, reason="no shape we know", body=b"unknown")

    record(database, accepted, repeated, unknown)

    bodies = {row["outcome"]: row["body"] for row in everything(database, deliveries)}
    assert bodies == {"accepted": b"accepted", "duplicate": b"repeated", "quarantined": b"unknown"}


# Size


def test_a_delivery_with_very_many_tags_is_recorded_whole(database: Database) -> None:
    tags = [push(f"v{n}", A, f"e{n}") for n in range(5_050)]
    wanted = entry(*tags)

    first, again = in_many_batches(database, wanted, wanted)

    assert outcomes([first, again]) == [ACCEPTED, DUPLICATE]
    assert len(first.syncs) == 5_050
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


def test_what_the_sender_was_told_is_kept_and_how_long_it_took(database: Database) -> None:
    told = entry(push(digest=A), arrived=1.0, client_address="192.0.2.10")
    replayed = entry(push("v2"), replayed_from="01K")
    with database.write() as connection:
        record(connection, [told, told, replayed], 1.25)

    columns = ("answered", "took_ms", "client_address")
    rows = [tuple(row[name] for name in columns) for row in everything(database, deliveries)]
    assert sorted(rows, key=str) == [
        ("accepted", 250, "192.0.2.10"),
        ("duplicate", 250, "192.0.2.10"),
        (None, None, None),
    ]
