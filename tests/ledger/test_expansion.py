"""Large deliveries: recorded as one row, expanded in portions, as if recorded at once."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from swrhook.ledger.database import Database
from swrhook.ledger.expansion import (
    count_open,
    due_expansions,
    expand_portion,
    postpone,
)
from swrhook.ledger.portions import PORTION, pack
from swrhook.ledger.tables import (
    deliveries,
    expansion_portions,
    expansions,
    lanes,
    latest_pushes,
    pushes,
    syncs,
)
from swrhook.model import Outcome
from tests.factories import (
    MINUTE,
    NOW,
    OTHER_TARGET,
    SECOND,
    TARGET,
    A,
    all_syncs,
    entry,
    everything,
    push,
    write,
)
from tests.ledger.large import LATER, MANY, expand, large, tags
from tests.ledger.receipts import ACCEPTED, DUPLICATE


def recorded_and_lost(database: Database) -> list[str]:
    """Record a portion and undo it; return the ids of all syncs that there were meanwhile."""
    recorded: list[str] = []
    with suppress(KeyboardInterrupt), database.write() as connection:
        [due] = due_expansions(connection, LATER)
        assert expand_portion(connection, due, LATER) is not None
        recorded += connection.scalars(select(syncs.c.id).order_by(syncs.c.id))
        raise KeyboardInterrupt
    return recorded


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
