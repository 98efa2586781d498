"""Syncs that were held for a region go on when it is back, and no other does."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text, update

from swrhook.ledger.database import Database
from swrhook.ledger.lanes import hold, rest
from swrhook.ledger.syncs import not_configured, release
from swrhook.ledger.tables import syncs
from swrhook.model import Lane, State, Target
from tests.ledger.parts import LANE, NOW, find, put

SOON, LATER = NOW + timedelta(minutes=1), NOW + timedelta(minutes=2)
BACK = "cn-east-3"
HELD: dict[str, Any] = {"reason": not_configured(BACK), "due_at": SOON}


def released(database: Database, *lanes: Lane) -> list[Lane]:
    """Let the lanes rest until their syncs are due, and release what waits for the region."""
    with database.write() as connection:
        for lane in lanes:
            rest(connection, lane)
        return release(connection, [BACK], NOW)


@pytest.mark.parametrize("state", [State.PENDING, State.TRIGGERED])
def test_a_sync_that_was_held_is_due_at_once(database: Database, state: State) -> None:
    sync = put(database, state, **HELD)

    assert released(database, LANE) == [LANE]
    assert find(database, sync.id).due_at == NOW


def test_a_lane_is_woken_once_for_all_its_syncs(database: Database) -> None:
    put(database, tag="v1", **HELD)
    put(database, tag="v2", **HELD)

    assert released(database, LANE) == [LANE]


@pytest.mark.parametrize(
    ("state", "columns"),
    [
        (State.PENDING, HELD | {"reason": not_configured("cn-south-1")}),
        (State.PENDING, HELD | {"reason": None}),
        (State.CANCELLED, HELD | {"due_at": None}),
    ],
    ids=["another region's", "not held", "ended"],
)
def test_what_waits_for_something_else_is_left_alone(
    database: Database, state: State, columns: dict[str, Any]
) -> None:
    other = Lane("cn-north-4", "team", "other", Target(BACK, "team"), override=False)
    sync = put(database, state, lane=other, **columns)

    assert released(database, other) == []
    assert columns["due_at"] == find(database, sync.id).due_at


@pytest.mark.on("postgresql")
def test_a_run_of_the_lane_and_a_release_do_not_wait_in_a_circle(database: Database) -> None:
    sync = put(database, **HELD)

    def waits() -> bool:
        with database.read() as connection:
            waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
            return bool(connection.scalar(waiting))

    with ThreadPoolExecutor() as pool, database.write() as connection:
        hold(connection, [LANE])
        woken = pool.submit(released, database)
        while not waits():
            assert not woken.done()
        connection.execute(update(syncs).where(syncs.c.id == sync.id).values(due_at=LATER))
        connection.commit()

        assert woken.result() == [LANE]
    assert find(database, sync.id).due_at == NOW
