"""Processes that run lanes: one without a heartbeat loses its lanes, and only that one."""

import pytest

from swrhook.ledger.database import Database
from swrhook.ledger.tables import lanes, workers
from swrhook.ledger.workers import Heartbeat, beat, leave
from tests.factories import NOW, SECOND, everything, ready_lanes
from tests.ledger.queue import HOLDER, OTHER_HOLDER, lane, place, schedule, take

pytestmark = pytest.mark.on("postgresql")
PATIENCE = 10 * SECOND


def beats(
    database: Database, worker: str = HOLDER, after: float = 0, threads: int = 8
) -> Heartbeat:
    with database.write() as connection:
        return beat(connection, worker, threads, NOW + after * SECOND, PATIENCE)


def leaves(database: Database, worker: str = HOLDER) -> None:
    with database.write() as connection:
        leave(connection, worker)


def run_one_each(database: Database) -> None:
    """Let both processes run a lane, r1 and r2, while r3 waits."""
    schedule(database, lane("r1"), lane("r2"), lane("r3"))
    assert take(database, holder=HOLDER) == lane("r1")
    assert take(database, holder=OTHER_HOLDER) == lane("r2")


def holders(database: Database) -> list[str | None]:
    rows = sorted(everything(database, lanes), key=lambda row: row["key"])
    return [row["holder"] for row in rows]


def test_processes_with_a_heartbeat_are_counted(database: Database) -> None:
    assert beats(database) == Heartbeat(1, 0)
    assert beats(database, OTHER_HOLDER, after=1) == Heartbeat(2, 0)
    assert beats(database, after=2) == Heartbeat(2, 0)

    rows = {row["id"]: (row["threads"], row["seen_at"]) for row in everything(database, workers)}
    assert rows == {HOLDER: (8, NOW + 2 * SECOND), OTHER_HOLDER: (8, NOW + SECOND)}


def test_a_process_that_is_quiet_for_too_long_loses_its_lanes(database: Database) -> None:
    beats(database)
    beats(database, OTHER_HOLDER)
    run_one_each(database)

    assert beats(database, OTHER_HOLDER, after=10) == Heartbeat(2, 0)  # just in time
    assert holders(database) == [HOLDER, OTHER_HOLDER, None]

    assert beats(database, OTHER_HOLDER, after=10.001) == Heartbeat(1, 1)
    assert holders(database) == [None, OTHER_HOLDER, None]
    assert ready_lanes(database) == [lane("r1"), lane("r3")]


def test_a_lane_of_a_process_that_was_never_seen_is_free(database: Database) -> None:
    run_one_each(database)

    assert beats(database) == Heartbeat(1, 1)
    assert holders(database) == [HOLDER, None, None]


def test_a_lane_that_was_left_behind_keeps_its_place(database: Database) -> None:
    schedule(database, lane("r1"))
    before = place(database, lane("r1"))
    take(database, holder=OTHER_HOLDER)

    beats(database)

    assert place(database, lane("r1")) == before


def test_a_process_that_leaves_gives_its_lanes_back(database: Database) -> None:
    beats(database)
    beats(database, OTHER_HOLDER)
    run_one_each(database)

    leaves(database)

    assert holders(database) == [None, OTHER_HOLDER, None]
    assert [row["id"] for row in everything(database, workers)] == [OTHER_HOLDER]
    assert beats(database, OTHER_HOLDER) == Heartbeat(1, 0)


def test_a_process_that_comes_back_counts_again_without_its_lanes(database: Database) -> None:
    beats(database)
    run_one_each(database)
    beats(database, OTHER_HOLDER, after=60)

    assert beats(database, after=61) == Heartbeat(2, 0)
    assert holders(database) == [None, OTHER_HOLDER, None]
