"""Several processes on one PostgreSQL ledger: a lane whose process is lost runs in another."""

import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import delete

from swrhook.errors import ClaimLost
from swrhook.ledger.database import Database
from swrhook.ledger.lane_queue import Occupancy, lock_queue, take_lane
from swrhook.ledger.lanes import Flow
from swrhook.ledger.tables import lanes, syncs, workers
from swrhook.ledger.workers import beat
from swrhook.model import Lane, State, Urgency
from tests.engine.lane_work import (
    INTERVALS,
    NEVER,
    Work,
    assert_quiet,
    deliver,
    deliver_sync,
    running,
    soon,
)
from tests.factories import everything
from tests.ledger.queue import lane, row_of
from tests.waiting import eventually

pytestmark = pytest.mark.on("postgresql")
DEAD = "D" * 26
WATCHFUL = replace(INTERVALS, dead_after=1.0)
# It says once that it is alive, as a process that is suspended then.
SUSPENDED = replace(WATCHFUL, heartbeat=NEVER)


def leave_behind(database: Database, seen: float | None) -> None:
    """Let a process take LANE that was seen so many seconds ago, or never, and is lost."""
    deliver_sync(database, None, lane())
    with database.write() as connection:
        flow = Flow.of(lane(), Urgency.FRESH, "harbor")
        assert take_lane(connection, flow, "", DEAD) == lane()
        if seen is not None:
            beat(connection, DEAD, 8, soon(-seen), timedelta(seconds=NEVER))


def names(database: Database) -> list[str]:
    return [row["id"] for row in everything(database, workers)]


@pytest.mark.parametrize("seen", [None, 60.0], ids=["never seen", "seen long ago"])
def test_the_lane_of_a_process_that_is_lost_runs_in_another(
    database: Database, seen: float | None
) -> None:
    leave_behind(database, seen)
    work = Work()

    with running(database, work):
        assert work.has_run(lane())
        assert work.is_idle()

    assert work.runs == [lane()]
    assert [row["state"] for row in everything(database, syncs)] == [State.VERIFIED]


def test_a_lane_waits_until_its_process_has_been_quiet_for_too_long(database: Database) -> None:
    leave_behind(database, seen=0.0)
    gone_at = soon(WATCHFUL.dead_after)
    work = Work()

    with running(database, work, intervals=WATCHFUL):
        assert work.has_run(lane())

    assert work.ran_at[lane()] >= gone_at


def test_a_process_that_is_alive_keeps_its_lane_however_long_it_runs(database: Database) -> None:
    busy, other = Work(), Work()
    busy.hanging.add(lane())
    with running(database, busy, intervals=WATCHFUL) as engine:
        deliver_sync(database, engine, lane())
        assert busy.has_run(lane())
        with running(database, other, intervals=WATCHFUL):
            time.sleep(2 * WATCHFUL.dead_after)
            assert other.runs == []
        busy.release()
        assert busy.is_idle()

    assert busy.runs == [lane()]


def test_a_process_that_was_suspended_loses_its_lane_and_changes_nothing_later(
    database: Database,
) -> None:
    suspended, other = Work(), Work()
    suspended.hanging.add(lane())
    with running(database, suspended, intervals=SUSPENDED) as engine:
        deliver_sync(database, engine, lane())
        assert suspended.has_run(lane())

        with running(database, other, intervals=WATCHFUL):
            assert other.has_run(lane())
            assert other.is_idle()
        after = everything(database, syncs), everything(database, lanes)
        suspended.answers[lane()] = [0.0]  # it would let its sync be due again
        suspended.release()
        assert suspended.is_idle()

        assert (everything(database, syncs), everything(database, lanes)) == after
        # It goes on with other lanes.
        deliver(database, engine, lane("next"))
        assert suspended.has_run(lane("next"))
        assert engine.check() is None
    assert suspended.runs == [lane(), lane("next")]


def test_a_late_transaction_of_a_lost_run_raises(database: Database) -> None:
    suspended, other = Work(), Work()
    suspended.hanging.add(lane())
    with running(database, suspended, intervals=SUSPENDED) as engine:
        deliver_sync(database, engine, lane())
        assert suspended.has_run(lane())
        other.hanging.add(lane())  # while it still runs there
        with running(database, other, intervals=WATCHFUL):
            assert other.has_run(lane())
            with pytest.raises(ClaimLost):
                suspended.sessions[0].postpone(soon(), soon(NEVER))
            assert row_of(database, lane())["holder"] == other.sessions[0].holder

    assert [row["state"] for row in everything(database, syncs)] == [State.VERIFIED]


def test_a_process_that_comes_back_keeps_the_lanes_that_it_takes_then(database: Database) -> None:
    """Others have forgotten it meanwhile: it has to say first that it is alive again."""
    back = Work()
    back.hanging.add(lane())
    with running(database, back, intervals=SUSPENDED) as engine:
        assert eventually(lambda: len(names(database)) == 1)
        time.sleep(SUSPENDED.dead_after)
        with database.write() as connection:
            connection.execute(delete(workers))  # as another process does then
        deliver_sync(database, engine, lane())
        assert back.has_run(lane())

        with database.write() as connection:
            heartbeat = beat(connection, "O" * 26, 8, soon(), timedelta(seconds=NEVER))

    assert heartbeat.freed_lanes == 0


def test_a_process_that_stops_is_forgotten_at_once(database: Database) -> None:
    with running(database, Work()):
        assert eventually(lambda: len(names(database)) == 1)

    assert names(database) == []


def test_a_stop_gives_back_a_lane_that_could_not_be_released(database: Database) -> None:
    """Another process need not wait until this one has been quiet for too long."""
    work, other = Work(), Work()
    work.hanging.add(lane())
    work.answers[lane()] = [OSError("the network")]
    slow = replace(INTERVALS, after_error=NEVER)
    with ExitStack() as stack:
        engine = stack.enter_context(running(database, work, intervals=slow))
        deliver_sync(database, engine, lane())
        assert work.has_run(lane())
        rename(database, "lanes", "gone")
        work.release()
        assert work.wait_for(lambda: not work.inside)
        assert_quiet(work)
        rename(database, "gone", "lanes")
        stack.enter_context(running(database, other))
        assert_quiet(other)
        engine.stop()

        assert other.has_run(lane())


def rename(database: Database, old: str, new: str) -> None:
    with database.write() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {old} RENAME TO {new}")


def test_processes_share_the_lanes_and_run_each_once(database: Database) -> None:
    several = [lane(f"r{n}") for n in range(60)]
    works = [Work(), Work()]
    with ExitStack() as stack:
        engines = [stack.enter_context(running(database, work, threads=2)) for work in works]
        for each in several:
            deliver(database, engines[0], each)
        assert eventually(lambda: sum(len(work.runs) for work in works) == len(several))
        assert all(work.is_idle() for work in works)

    runs: list[Lane] = [each for work in works for each in work.runs]
    assert sorted(runs, key=str) == sorted(several, key=str)
    assert all(work.runs for work in works)


def test_a_process_takes_no_lane_while_another_one_does(database: Database) -> None:
    """Else both would see the same room, and together run more lanes than there is room for."""
    work = Work()
    with running(database, work) as engine, database.write() as connection:
        lock_queue(connection)
        deliver(database, engine, lane())
        assert_quiet(work)
        assert work.runs == []
        connection.commit()

        assert work.has_run(lane())


def test_a_process_is_told_how_many_share_the_rates_and_what_the_others_run(
    database: Database,
) -> None:
    first, second = Work(room=1), Work()
    first.hanging.add(lane())
    with running(database, first) as engine:
        deliver(database, engine, lane())
        assert first.has_run(lane())
        assert first.wait_for(lambda: first.shares[-1:] == [1])
        with running(database, second):
            assert first.wait_for(lambda: first.shares[-1] == 2)
            deliver(database, engine, lane("other"))
            assert second.has_run(lane("other"))
        assert first.wait_for(lambda: first.shares[-1] == 1)

    assert first.elsewhere[0] == Occupancy()
    assert dict(second.elsewhere[0].pairs) == {("cn-north-4", "cn-east-3"): 1}
