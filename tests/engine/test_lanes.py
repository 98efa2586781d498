"""The engine on both databases: lanes run when they are due, once at a time, whatever fails."""

import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
from sqlalchemy import select

from swrhook.ledger.database import Database
from swrhook.ledger.lane_queue import take_lane
from swrhook.ledger.lanes import Flow, schedule_lanes
from swrhook.ledger.tables import lanes, syncs
from swrhook.model import State, Urgency
from tests.engine.lane_work import (
    LIMITS,
    NEVER,
    PATIENCE,
    THREADS,
    Engine,
    Work,
    assert_quiet,
    deliver,
    deliver_sync,
    make_engine,
    postpone,
    running,
    soon,
)
from tests.factories import everything, put, ready_lanes
from tests.ledger.queue import lane, row_of


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def engine(database: Database, work: Work) -> Iterator[Engine]:
    with running(database, work) as engine:
        yield engine


# When a lane runs


def test_a_lane_runs_once_when_it_is_woken(database: Database, engine: Engine, work: Work) -> None:
    deliver(database, engine, lane())

    assert work.has_run(lane())
    assert_quiet(work)
    assert work.runs == [lane()]


def test_a_run_has_the_syncs_that_were_due(database: Database, engine: Engine, work: Work) -> None:
    due = [put(database, lane=lane(), tag=f"v{n}", due_at=soon(-n)) for n in range(12)]
    later = put(database, lane=lane(), tag="later", due_at=soon(NEVER))

    deliver(database, engine, lane())

    assert work.has_run(lane(), times=2)  # the second for those beyond the limit
    assert [len(session.syncs) for session in work.sessions] == [LIMITS.syncs, 2]
    ran = {sync.id for session in work.sessions for sync in session.syncs}
    assert ran == {sync.id for sync in due}
    assert work.is_idle()
    assert row_of(database, lane())["due_at"] == later.due_at


def test_lanes_run_when_they_are_due_and_not_before(
    database: Database, engine: Engine, work: Work
) -> None:
    due = {
        lane(f"in-{seconds}"): postpone(database, engine, lane(f"in-{seconds}"), seconds)
        for seconds in (0.6, 0.2, NEVER, 0.4)
    }
    soon_due = [lane(f"in-{seconds}") for seconds in (0.2, 0.4, 0.6)]

    assert work.has_run(*soon_due)
    assert_quiet(work)
    assert sorted(work.runs, key=str) == soon_due
    assert all(work.ran_at[each] >= due[each] for each in soon_due)


def test_a_lane_that_is_due_later_runs_at_once_when_it_is_woken(
    database: Database, engine: Engine, work: Work
) -> None:
    postpone(database, engine, lane(), NEVER)

    deliver(database, engine, lane())

    assert work.has_run(lane())
    assert_quiet(work)
    assert work.runs == [lane()]


def test_a_wake_counts_only_when_its_transaction_commits(
    database: Database, engine: Engine, work: Work
) -> None:
    rolled_back = lane("rolled-back")
    with suppress(ZeroDivisionError), database.write() as connection:
        schedule_lanes(connection, {rolled_back: "harbor"}, Urgency.FRESH, soon())
        engine.wake(connection)
        raise ZeroDivisionError
    with database.write() as connection:
        schedule_lanes(connection, {lane(): "harbor"}, Urgency.FRESH, soon())
        engine.wake(connection)
        assert_quiet(work)
        assert work.runs == []

    assert work.has_run(lane())
    assert_quiet(work)
    assert work.runs == [lane()]


def test_a_lane_runs_again_when_it_is_due_again(
    database: Database, engine: Engine, work: Work
) -> None:
    work.answers[lane()] = [0.0, 0.3, 0.0]

    deliver_sync(database, engine, lane())

    assert work.has_run(lane(), times=4)
    assert_quiet(work)
    assert work.runs == [lane()] * 4


def test_a_lane_without_a_poll_runs_however_late_it_was_seen(
    database: Database, work: Work
) -> None:
    deliver(database, None, lane("ready"))
    postpone(database, None, lane("due"), 0.0)

    with running(database, work):
        assert work.has_run(lane("ready"), lane("due"))


# Once at a time


def test_a_lane_never_runs_twice_at_once(database: Database, engine: Engine, work: Work) -> None:
    several = [lane(), lane("other")]
    for number in range(50):
        for each in several:
            put(database, lane=each, tag=f"v{number}", due_at=soon())
        deliver(database, engine, *several)

    assert work.wait_for(lambda: sum(len(one.syncs) for one in work.sessions) == 100)
    assert work.is_idle()
    assert work.twice == []
    assert {row["state"] for row in everything(database, syncs)} == {State.VERIFIED}


def test_a_push_during_the_run_is_not_lost(database: Database, engine: Engine, work: Work) -> None:
    work.hanging.add(lane())
    deliver_sync(database, engine, lane(), "v1")
    assert work.has_run(lane())

    deliver_sync(database, engine, lane(), "v2")
    assert_quiet(work)
    work.release()

    assert work.has_run(lane(), times=2)
    assert [[sync.tag for sync in session.syncs] for session in work.sessions] == [["v1"], ["v2"]]


def test_lanes_run_at_the_same_time(database: Database, engine: Engine, work: Work) -> None:
    several = [lane(f"r{n}") for n in range(THREADS)]
    work.hanging |= set(several)

    deliver(database, engine, *several)

    assert work.wait_for(lambda: set(work.inside) == set(several))


def test_lanes_that_become_due_together_run_at_the_same_time(
    database: Database, engine: Engine, work: Work
) -> None:
    several = [lane(f"r{n}") for n in range(THREADS)]
    work.hanging |= set(several)

    for each in several:
        postpone(database, engine, each, 0.3)

    assert work.wait_for(lambda: set(work.inside) == set(several))


def test_many_lanes_all_run_once_and_no_more_at_a_time_than_there_are_threads(
    database: Database, engine: Engine, work: Work
) -> None:
    several = [lane(f"r{n}", organization=f"org-{n % 7}") for n in range(150)]

    for each in several[:50]:
        deliver(database, engine, each)
    deliver(database, engine, *several[50:])

    assert work.has_run(*several)
    assert work.is_idle()
    assert sorted(work.runs, key=str) == sorted(several, key=str)
    assert work.most <= THREADS
    with database.read() as connection:
        assert connection.scalars(select(lanes.c.holder).distinct()).all() == [None]


# Failures


def test_a_run_that_fails_is_repeated(database: Database, engine: Engine, work: Work) -> None:
    work.answers[lane()] = [OSError("the disk"), ZeroDivisionError("our own")]

    deliver_sync(database, engine, lane())

    assert work.has_run(lane(), times=3)
    assert_quiet(work)
    assert work.runs == [lane()] * 3
    assert work.is_idle()
    assert engine.check() is None


# Start and stop


def test_stop_finishes_the_runs_in_flight_and_starts_no_more(
    database: Database, work: Work
) -> None:
    in_flight = [lane(f"r{n}") for n in range(THREADS)]
    work.hanging |= set(in_flight)
    engine = make_engine(database, work)
    engine.start()
    deliver(database, engine, *in_flight)
    assert work.has_run(*in_flight)
    deliver(database, engine, lane("next"))

    stopping = threading.Thread(target=engine.stop)
    stopping.start()
    stopping.join(0.2)
    assert stopping.is_alive()  # it waits for them
    work.release()
    stopping.join(PATIENCE)

    assert not stopping.is_alive()
    assert sorted(work.runs, key=str) == in_flight
    assert ready_lanes(database) == [lane("next")]
    assert {row["holder"] for row in everything(database, lanes)} == {None}


def test_the_check_reports_an_engine_that_does_not_run(database: Database, work: Work) -> None:
    engine = make_engine(database, work)
    assert engine.check() == "the engine does not run"

    engine.start()
    assert engine.check() is None
    engine.stop()

    assert engine.check() == "the engine does not run"


def test_an_engine_can_be_stopped_before_it_was_started(database: Database, work: Work) -> None:
    make_engine(database, work).stop()


def test_without_threads_no_lane_runs(database: Database, work: Work) -> None:
    with running(database, work, threads=0) as engine:
        deliver(database, engine, lane())
        assert_quiet(work)

        assert engine.check() is None
    assert work.runs == []
    assert ready_lanes(database) == [lane()]


def test_a_start_takes_over_what_an_earlier_process_left_behind(
    database: Database, work: Work
) -> None:
    deliver_sync(database, None, lane("ran"))
    with database.write() as connection:
        flow = Flow.of(lane("ran"), Urgency.FRESH, "harbor")
        assert take_lane(connection, flow, "", "D" * 26) == lane("ran")
    postpone(database, None, lane("waits"), 0.3)
    deliver(database, None, lane("ready"))

    with running(database, work):
        assert work.has_run(lane("ran"), lane("waits"), lane("ready"))
        assert_quiet(work)
    assert len(work.runs) == 3
