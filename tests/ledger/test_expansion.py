"""Large deliveries: recorded as one row, expanded in portions, as if recorded at once."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from swrhook.ledger.database import Database
from swrhook.ledger.expansion import (
    RecordedPortion,
    count_open,
    due_expansions,
    expand_portion,
    postpone,
)
from swrhook.ledger.portions import LARGE, PORTION, is_large, pack
from swrhook.ledger.tables import (
    deliveries,
    expansion_portions,
    expansions,
    lanes,
    latest_pushes,
    pushes,
    syncs,
)
from swrhook.model import DeliveryEntry, Outcome, Push, State
from tests.factories import (
    MINUTE,
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
    write,
)
from tests.ledger.receipts import ACCEPTED, DUPLICATE, ids

MANY = LARGE + 101
LATER = NOW + MINUTE


def tags(number: int = MANY, digest: str | None = A, event_id: str | None = None) -> list[Push]:
    return [push(f"v{n}", digest, event_id) for n in range(number)]


def large(*pushes: Push, **changes: Any) -> DeliveryEntry:
    return pack(entry(*pushes, **changes))


def expand(database: Database, portions: int = MANY) -> list[RecordedPortion]:
    """Record portions of what is due, at most so many, one after another."""
    recorded = []
    for _ in range(portions):
        with database.write() as connection:
            due = due_expansions(connection, LATER)
            portion = expand_portion(connection, due[0], LATER) if due else None
        if portion is None:
            break
        recorded.append(portion)
    return recorded


def recorded_and_lost(database: Database) -> list[str]:
    """Record a portion and undo it; return the ids of all syncs that there were meanwhile."""
    recorded: list[str] = []
    with suppress(KeyboardInterrupt), database.write() as connection:
        [due] = due_expansions(connection, LATER)
        assert expand_portion(connection, due, LATER) is not None
        recorded += connection.scalars(select(syncs.c.id).order_by(syncs.c.id))
        raise KeyboardInterrupt
    return recorded


def superseded(portions: Sequence[RecordedPortion]) -> list[str]:
    return [sync.id for portion in portions for sync in portion.recording.superseded]


def comparable(database: Database) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of a ledger without ids that are made at random and times of recording."""
    names = ("state", "tag", "digest", "route", "rule", "rules_version", "created_at", "reason")
    return {
        "syncs": sorted(
            ({name: row[name] for name in names} for row in everything(database, syncs)),
            key=lambda row: (row["route"], row["state"]),
        ),
        "pushes": sorted(
            (
                {name: row[name] for name in ("tag", "digest", "event_key", "pushed_at")}
                | {"repeats": row["original"] is not None}
                for row in everything(database, pushes)
            ),
            key=lambda row: (row["tag"], row["repeats"]),
        ),
        "latest": sorted(
            (
                {name: row[name] for name in ("key", "digest", "seen_at")}
                for row in everything(database, latest_pushes)
                if row["push"] is not None
            ),
            key=lambda row: str(row["key"]),
        ),
    }


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


def test_its_portions_end_with_what_one_transaction_would_have_recorded(
    database: Database,
) -> None:
    announced = [replace(each, pushed_at=NOW - SECOND) for each in tags()]
    whole = entry(*announced, targets=[TARGET, OTHER_TARGET])
    write(database, pack(whole))
    recorded = expand(database)
    afterwards = comparable(database)

    with database.write() as connection:
        for table in (deliveries, pushes, syncs, latest_pushes, lanes):
            connection.execute(table.delete())
    write(database, whole)

    assert len(recorded) > 3 * MANY / PORTION
    assert [portion.outcome for portion in recorded] == [None] * (len(recorded) - 1) + [ACCEPTED]
    assert afterwards == comparable(database)
    assert [everything(database, table) for table in (expansions, expansion_portions)] == [[], []]


def test_each_portion_is_small_and_wakes_its_lanes(database: Database) -> None:
    announced = [replace(each, repository=f"r{n}") for n, each in enumerate(tags())]
    write(database, large(*announced))

    recorded = expand(database)

    sizes = [len(portion.recording.lanes) for portion in recorded]
    assert sum(sizes) == MANY
    assert max(sizes) <= PORTION
    assert {row["due_at"] for row in everything(database, lanes) if row["ready"]} == {LATER}


def test_a_push_with_very_many_targets_is_a_portion(database: Database) -> None:
    targets = [replace(TARGET, namespace=f"n{n}") for n in range(LARGE + 1)]
    write(database, large(push("v1"), push("v2"), targets=targets))

    assert [len(everything(database, syncs)) for _ in expand(database)][-1] == 2 * (LARGE + 1)


def test_the_ids_are_those_of_the_time_of_the_delivery(database: Database) -> None:
    first = write(database, large(*tags())).receipts[0]
    second = write(database, entry(push("other"))).receipts[0]

    expand(database)

    own = [row["id"] for row in everything(database, syncs) if row["delivery"] == first.delivery]
    assert len(own) == MANY
    assert first.delivery < min(own) < max(own) < ids(second)[0]
    assert {row["created_at"] for row in everything(database, syncs)} == {NOW}


def test_pushes_that_match_no_rule_are_expanded_too(database: Database) -> None:
    ignored = large(*tags(), outcome=Outcome.IGNORED, planned=(), body=None, reason="no rule")
    receipt = write(database, ignored).receipts[0]

    outcomes = [portion.outcome for portion in expand(database)]

    assert (receipt.outcome, receipt.syncs_total) == (Outcome.IGNORED, None)
    assert outcomes[-1] is Outcome.IGNORED
    assert len(everything(database, pushes)) == MANY


# A process that is killed


def test_a_portion_that_was_not_committed_is_recorded_again_the_same(database: Database) -> None:
    write(database, large(*tags()))
    expand(database, 2)
    before = [sync.id for sync in all_syncs(database)]

    lost = recorded_and_lost(database)
    assert [sync.id for sync in all_syncs(database)] == before

    expand(database, 1)
    assert sorted(sync.id for sync in all_syncs(database)) == lost != before


def test_a_portion_is_recorded_once(database: Database) -> None:
    write(database, large(*tags()))
    with database.read() as connection:
        [due] = due_expansions(connection, LATER)

    for first in (True, False):
        with database.write() as connection:
            assert (expand_portion(connection, due, LATER) is not None) is first


@pytest.mark.on("postgresql")
def test_a_delivery_that_another_process_works_on_is_left_to_it(database: Database) -> None:
    write(database, large(*tags()))

    with database.write() as connection, database.write() as other:
        [due] = due_expansions(connection, LATER)
        assert expand_portion(connection, due, LATER) is not None
        assert expand_portion(other, due, LATER) is None


# Turns


def test_large_deliveries_take_turns(database: Database) -> None:
    receipts = [write(database, large(*tags(), sender=name)).receipts[0] for name in ("a", "b")]
    turns = []
    for number in range(6):
        with database.write() as connection:
            due = due_expansions(connection, LATER + number * SECOND)[0]
            expand_portion(connection, due, LATER + number * SECOND)
            turns.append(due.delivery)

    assert turns == [receipt.delivery for receipt in receipts] * 3


def test_a_delivery_on_hold_waits_and_the_others_go_on(database: Database) -> None:
    first, second = (write(database, large(*tags())).receipts[0] for _ in range(2))
    with database.write() as connection:
        postpone(connection, due_expansions(connection, NOW)[0], NOW + MINUTE)

    with database.read() as connection:
        now = [due.delivery for due in due_expansions(connection, NOW)]
        later = [due.delivery for due in due_expansions(connection, NOW + MINUTE)]

    assert (now, later) == ([second.delivery], [second.delivery, first.delivery])


def test_a_clock_that_was_set_back_holds_up_no_delivery(database: Database) -> None:
    write(database, large(*tags(), at=NOW + timedelta(days=1)))

    with database.read() as connection:
        assert len(due_expansions(connection, NOW)) == 1


def test_the_open_syncs_of_a_sender_are_counted_up_to_a_limit(database: Database) -> None:
    write(database, entry(*tags(20)))
    write(database, entry(replace(push("other"), sender="ci")))

    with database.read() as connection:
        counts = [count_open(connection, "harbor", most) for most in (10, 100)]
        assert [*counts, count_open(connection, "unknown", 10)] == [10, 20, 0]


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


def test_a_delivery_that_turns_out_repeated_becomes_a_duplicate(database: Database) -> None:
    events = [push(f"v{n}", A, f"e{n}") for n in range(MANY)]
    first, again = (write(database, large(*events)).receipts[0] for _ in range(2))

    assert again.outcome is ACCEPTED
    outcomes = [portion.outcome for portion in expand(database) if portion.outcome]

    rows = {row["id"]: row for row in everything(database, deliveries)}
    row = rows[again.delivery]
    assert outcomes == [ACCEPTED, DUPLICATE]
    assert (row["outcome"], row["original"]) == ("duplicate", first.delivery)
    assert rows[first.delivery]["outcome"] == "accepted"
    assert len(everything(database, syncs)) == MANY


def test_a_delivery_with_one_fresh_push_stays_accepted(database: Database) -> None:
    write(database, large(*tags()))
    receipt = write(database, large(*tags(MANY + 1))).receipts[0]

    expand(database)

    rows = {row["id"]: row for row in everything(database, deliveries)}
    assert rows[receipt.delivery]["outcome"] == "accepted"
    assert len(everything(database, syncs)) == MANY + 1


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


def test_an_event_of_a_later_delivery_is_not_repeated_by_an_earlier_one(
    database: Database,
) -> None:
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
    assert states == {
        (first.delivery, State.SUPERSEDED),
        (again.delivery, State.PENDING),
    }
