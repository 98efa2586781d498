"""How engines learn of ready lanes: with the commit, in every process, and in the end by a poll."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

import pytest
from sqlalchemy import create_engine, make_url, text

from swrhook.engine.signals import LocalSignal, PostgresSignal
from swrhook.ledger.database import Database
from tests.engine.lane_work import (
    INTERVALS,
    PATIENCE,
    Work,
    assert_quiet,
    deliver,
    postpone,
    running,
)
from tests.ledger.queue import lane
from tests.programs import free_port


@dataclass
class Receiver:
    """Counts the signals that it gets."""

    signals: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def receive(self) -> None:
        with self._changed:
            self.signals += 1
            self._changed.notify_all()

    def has_more_than(self, signals: int) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self.signals > signals, PATIENCE)


@contextmanager
def listening(database: Database) -> Iterator[tuple[PostgresSignal, Receiver]]:
    """Listen as a process does; its first signal, for what was sent before, has come."""
    receiver = Receiver()
    signal = PostgresSignal(database, receiver.receive)
    signal.start()
    try:
        assert receiver.has_more_than(0)
        yield signal, receiver
    finally:
        signal.stop()


def end_listeners(database: Database) -> int:
    """End the connections that listen, as an outage does; return how many there were."""
    query = text(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
        " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
    )
    with database.read() as connection:
        return int(connection.scalar(query) or 0)


# In one process


@pytest.mark.on("sqlite")
def test_a_local_signal_comes_with_the_commit_and_not_without_it(database: Database) -> None:
    receiver = Receiver()
    signal = LocalSignal(database, receiver.receive)
    signal.start()
    with suppress(ZeroDivisionError), database.write() as connection:
        signal.send(connection)
        raise ZeroDivisionError
    with database.write() as connection:
        signal.send(connection)
        assert receiver.signals == 0
    signal.stop()

    assert receiver.signals == 1


# Among processes


@pytest.mark.on("postgresql")
def test_a_signal_comes_with_the_commit_to_every_process(database: Database) -> None:
    with listening(database) as (signal, first), listening(database) as (_, second):
        with database.write() as connection:
            signal.send(connection)
            assert (first.signals, second.signals) == (1, 1)

        assert first.has_more_than(1)
        assert second.has_more_than(1)


@pytest.mark.on("postgresql")
def test_a_signal_is_undone_with_its_transaction(database: Database) -> None:
    with listening(database) as (signal, receiver):
        with suppress(ZeroDivisionError), database.write() as connection:
            signal.send(connection)
            raise ZeroDivisionError
        with database.write() as connection:
            signal.send(connection)

        assert receiver.has_more_than(1)
        assert receiver.signals == 2


@pytest.mark.on("postgresql")
def test_a_process_that_sends_need_not_listen(database: Database) -> None:
    silent = PostgresSignal(database, lambda: None)
    with listening(database) as (_, receiver):
        with database.write() as connection:
            silent.send(connection)

        assert receiver.has_more_than(1)
    silent.stop()


@pytest.mark.on("postgresql")
def test_a_lost_connection_is_replaced_and_counts_as_a_signal(database: Database) -> None:
    with listening(database) as (signal, receiver):
        assert end_listeners(database) > 0
        assert receiver.has_more_than(1)  # for what was missed meanwhile

        with database.write() as connection:
            signal.send(connection)
        assert receiver.has_more_than(2)


@pytest.mark.on("postgresql")
def test_a_signal_that_cannot_connect_tries_again_and_can_be_stopped(database: Database) -> None:
    url = make_url(database.conninfo).set(drivername="postgresql+psycopg", port=free_port())
    receiver = Receiver()
    nowhere = Database(create_engine(url))
    signal = PostgresSignal(nowhere, receiver.receive)
    signal.start()
    time.sleep(0.1)

    signal.stop()
    nowhere.close()

    assert receiver.signals == 0


# In the engine


@pytest.mark.on("postgresql")
def test_lanes_run_in_another_process_than_the_one_that_made_them_ready(
    database: Database,
) -> None:
    work = Work()
    with running(database, Work(), threads=0) as recording, running(database, work):
        deliver(database, recording, lane())

        assert work.has_run(lane())
        assert_quiet(work)
        assert work.runs == [lane()]


def test_a_missed_signal_is_made_up_for_by_the_poll(database: Database) -> None:
    work = Work()
    with running(database, work, intervals=replace(INTERVALS, poll=0.1)):
        deliver(database, None, lane("ready"))
        assert work.has_run(lane("ready"))
        postpone(database, None, lane("due"), 0.2)
        assert work.has_run(lane("due"))
        assert_quiet(work)

    assert work.runs == [lane("ready"), lane("due")]


@pytest.mark.on("sqlite")
def test_without_a_signal_nothing_runs_before_the_poll(database: Database) -> None:
    """So the other tests, which do not poll, would see a signal that is missing."""
    work = Work()
    with running(database, work) as engine:
        deliver(database, engine, lane("signalled"))
        assert work.has_run(lane("signalled"))
        assert_quiet(work)  # the end of a run also looks for lanes
        deliver(database, None, lane("missed"))
        assert_quiet(work)

    assert work.runs == [lane("signalled")]
