"""Runs that fail, and a ledger that is away: lanes run again by themselves, no room is lost."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import make_url

from swrhook.ledger.database import Database, open_database
from swrhook.ledger.tables import syncs
from swrhook.model import State
from tests.cluster.wire import Wire
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
from tests.factories import everything, ready_lanes
from tests.ledger.queue import lane, row_of
from tests.postgresql import new_database


@contextmanager
def without(database: Database, table: str) -> Iterator[None]:
    """Take a table away for the block, so that every statement on it fails."""
    rename(database, table, "gone")
    yield
    rename(database, "gone", table)


def rename(database: Database, old: str, new: str) -> None:
    with database.write() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {old} RENAME TO {new}")


@contextmanager
def wired() -> Iterator[tuple[Database, Wire]]:
    """Open a ledger on PostgreSQL through a network that can be cut."""
    with new_database() as url:
        address = make_url(url)
        wire = Wire(address.host or "127.0.0.1", address.port or 5432)
        near = address.set(host="127.0.0.1", port=wire.port)
        database = open_database(near.render_as_string(hide_password=False))
        with closing(wire), closing(database):
            yield database, wire


# A run that fails


def test_a_run_that_fails_is_not_repeated_at_once(database: Database) -> None:
    work = Work()
    work.answers[lane()] = [OSError("the disk")]
    with running(database, work, intervals=replace(INTERVALS, after_error=NEVER)) as engine:
        deliver_sync(database, engine, lane())
        assert work.has_run(lane())
        deliver(database, engine, lane("other"))
        assert work.has_run(lane("other"))
        assert_quiet(work)

        assert work.runs == [lane(), lane("other")]
        assert work.is_idle()
        row = row_of(database, lane())
        assert (row["ready"], row["holder"]) == (False, None)
        assert row["due_at"] > soon(NEVER / 2)


@pytest.mark.on("sqlite")
def test_a_lane_that_cannot_be_released_holds_up_no_other(database: Database) -> None:
    work = Work()
    stuck = f"OLD.key = '{lane('stuck').key}' AND OLD.holder IS NOT NULL"
    trigger = f"CREATE TRIGGER t BEFORE UPDATE ON lanes WHEN {stuck}"
    with database.write() as connection:
        connection.exec_driver_sql(f"{trigger} BEGIN SELECT RAISE(ABORT, 'stuck'); END")
    work.answers[lane("stuck")] = [OSError("the disk")]
    slow = replace(INTERVALS, after_error=NEVER)
    with running(database, work, threads=2, intervals=slow) as engine:
        deliver_sync(database, engine, lane("stuck"))
        assert work.has_run(lane("stuck"))

        for number in range(5):
            assert_quiet(work)
            deliver(database, engine, lane(f"r{number}"))
            assert work.has_run(lane(f"r{number}"))


# A ledger that fails


def test_lanes_run_when_the_ledger_is_there_again(database: Database) -> None:
    work = Work()
    with running(database, work) as engine:
        with without(database, "lanes"):
            with database.write() as connection:
                engine.wake(connection)
            assert_quiet(work)
            assert engine.check() is None
        deliver(database, None, lane())

        assert work.has_run(lane())  # without a signal: it looks again after an error


def test_a_lane_whose_release_failed_runs_again(database: Database) -> None:
    work = Work()
    work.hanging.add(lane())
    with running(database, work) as engine:
        deliver_sync(database, engine, lane())
        assert work.has_run(lane())
        with without(database, "lanes"):
            work.release()
            assert work.wait_for(lambda: not work.inside)
            assert_quiet(work)

        assert work.has_run(lane(), times=2)
        assert work.is_idle()
    assert [row["state"] for row in everything(database, syncs)] == [State.VERIFIED]


def test_a_lane_that_could_not_be_taken_gives_its_room_back(database: Database) -> None:
    work = Work(room=1)
    deliver_sync(database, None, lane())
    with without(database, "syncs"), running(database, work):  # they are read when it is taken
        assert work.wait_for(lambda: len(work.elsewhere) > 0)
        assert_quiet(work)
        assert work.is_idle()
    assert ready_lanes(database) == [lane()]
    with running(database, work):
        assert work.has_run(lane())


# A network that is cut


@pytest.mark.on("sqlite")  # it has a ledger on PostgreSQL of its own
def test_an_engine_recovers_from_a_cut_network() -> None:
    work = Work()
    with wired() as (database, wire), running(database, work) as engine:
        deliver(database, engine, lane("before"))
        assert work.has_run(lane("before"))

        wire.cut()
        assert_quiet(work)
        wire.restore()
        deliver(database, None, lane("after"))  # the signal may be lost with the connection

        assert work.has_run(lane("after"))
        assert engine.check() is None


@pytest.mark.on("sqlite")
def test_a_run_that_ends_during_a_cut_is_repeated_and_loses_nothing() -> None:
    work = Work()
    work.hanging.add(lane())
    with wired() as (database, wire), running(database, work) as engine:
        deliver_sync(database, engine, lane())
        assert work.has_run(lane())
        wire.cut()
        work.release()
        assert work.wait_for(lambda: not work.inside)
        assert_quiet(work)
        wire.restore()

        assert work.has_run(lane(), times=2)
        assert work.is_idle()
        assert [row["state"] for row in everything(database, syncs)] == [State.VERIFIED]


def test_a_stop_does_not_wait_for_a_ledger_that_is_away(database: Database) -> None:
    work = Work()
    work.hanging.add(lane())
    with running(database, work) as engine:
        deliver_sync(database, engine, lane())
        assert work.has_run(lane())
        with without(database, "lanes"):
            work.release()
            assert work.wait_for(lambda: not work.inside)
            stopping = threading.Thread(target=engine.stop)
            stopping.start()
            stopping.join(20)
            assert not stopping.is_alive()
