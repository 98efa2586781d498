"""When lanes run next: scheduled once for a time, the sooner time wins."""

from dataclasses import replace

from swrhook.ledger.database import Database
from swrhook.ledger.lanes import clear_wake_times, reschedule, schedule_lanes, unfinished_lanes
from swrhook.ledger.tables import lanes
from swrhook.model import END_STATES, Lane, State
from tests.factories import LANE, MINUTE, NOW, OTHER_TARGET, SECOND, everything, put

OTHER_LANE = replace(LANE, target=OTHER_TARGET)


def wake(database: Database, *wanted: Lane, after: int = 0) -> list[Lane]:
    with database.write() as connection:
        return schedule_lanes(connection, wanted, NOW + after * SECOND)


def wake_at(database: Database) -> dict[str, object]:
    return {row["key"]: row["wake_at"] for row in everything(database, lanes)}


def test_a_lane_is_scheduled_once_for_a_time(database: Database) -> None:
    assert wake(database, LANE) == [LANE]
    assert wake(database, LANE) == []
    assert wake(database, LANE, OTHER_LANE) == [OTHER_LANE]


def test_a_sooner_wake_wins(database: Database) -> None:
    wake(database, LANE, after=60)

    assert wake(database, LANE, after=61) == []
    assert wake(database, LANE, after=59) == [LANE]
    assert wake_at(database) == {LANE.key: NOW + 59 * SECOND}


def test_without_lanes_nothing_is_scheduled(database: Database) -> None:
    assert wake(database) == []


def test_a_lane_is_rescheduled_for_its_next_due_sync(database: Database) -> None:
    wake(database, LANE, OTHER_LANE)
    put(database, due_at=NOW + MINUTE)
    put(database, State.TRIGGERED, tag="v2", due_at=NOW + SECOND)
    put(database, State.VERIFIED, tag="v3", due_at=None)
    put(database, lane=OTHER_LANE, due_at=NOW)

    with database.write() as connection:
        again = reschedule(connection, LANE)

    assert again == NOW + SECOND
    assert wake_at(database) == {LANE.key: NOW + SECOND, OTHER_LANE.key: NOW}


def test_a_lane_without_open_syncs_is_not_scheduled(database: Database) -> None:
    wake(database, LANE)
    for state in END_STATES:
        put(database, state, tag=f"in-{state}")

    with database.write() as connection:
        assert reschedule(connection, LANE) is None

    assert wake(database, LANE, after=60) == [LANE]


def test_a_lane_with_a_call_that_was_left_behind_is_due_at_once(database: Database) -> None:
    put(database, State.CALLING, claim="C" * 26, updated_at=NOW - MINUTE)
    put(database, tag="v2", due_at=NOW + MINUTE)

    with database.write() as connection:
        assert reschedule(connection, LANE) == NOW - MINUTE


def test_unfinished_lanes_are_all_lanes_with_open_syncs(database: Database) -> None:
    put(database, due_at=NOW + MINUTE)
    put(database, State.TRIGGERED, tag="v2", due_at=NOW + SECOND)
    put(database, State.CALLING, OTHER_LANE, claim="C" * 26, updated_at=NOW - SECOND)
    put(database, State.VERIFIED, replace(LANE, repository="done"))

    with database.read() as connection:
        found = dict(unfinished_lanes(connection))

    assert found == {LANE: NOW + SECOND, OTHER_LANE: NOW - SECOND}


def test_the_wake_times_of_a_dead_process_can_be_cleared(database: Database) -> None:
    wake(database, LANE)  # its syncs are cancelled then, and the process ends before it runs

    with database.write() as connection:
        clear_wake_times(connection)

    assert wake(database, LANE, after=60) == [LANE]
