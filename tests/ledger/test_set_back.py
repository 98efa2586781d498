"""A clock that is set back takes what the ledger holds with it."""

from datetime import timedelta

from swrhook.ledger import syncs as ledger_syncs
from swrhook.ledger.database import Database
from swrhook.ledger.tables import syncs
from swrhook.model import State
from tests.ledger.parts import NOW, everything, put

STEP = timedelta(hours=6)


def test_open_syncs_are_due_as_much_sooner(database: Database) -> None:
    soon, minute = NOW + timedelta(seconds=2), timedelta(minutes=1)
    put(
        database,
        State.TRIGGERED,
        due_at=soon,
        updated_at=NOW,
        failing_since=NOW - minute,
        verifying_since=NOW - STEP - minute,
    )

    with database.write() as connection:
        assert ledger_syncs.follow(connection, NOW - STEP) == STEP

    [row] = everything(database, syncs)
    assert (soon - STEP, NOW - STEP) == (row["due_at"], row["updated_at"])
    # What was before the time as it is now has been, and stays.
    since = NOW - STEP - minute
    assert (since, since) == (row["failing_since"], row["verifying_since"])
    assert row["waiting_since"] is None


def test_a_sync_in_a_call_has_no_time_and_gets_none(database: Database) -> None:
    put(database, State.CALLING, due_at=None, updated_at=NOW)

    with database.write() as connection:
        assert ledger_syncs.follow(connection, NOW - STEP) == STEP

    [row] = everything(database, syncs)
    assert (row["due_at"], row["updated_at"]) == (None, NOW - STEP)


def test_what_was_written_before_is_left_alone(database: Database) -> None:
    put(database, State.PENDING, due_at=NOW + STEP, updated_at=NOW)
    put(database, State.VERIFIED, tag="v2", due_at=None, updated_at=NOW + STEP)
    before = everything(database, syncs)

    with database.write() as connection:
        assert not ledger_syncs.follow(connection, NOW - timedelta(seconds=0.9))
        assert not ledger_syncs.follow(connection, NOW)

    assert before == everything(database, syncs)


def test_an_empty_ledger_is_ahead_of_nothing(database: Database) -> None:
    with database.write() as connection:
        assert not ledger_syncs.follow(connection, NOW)
