"""The monitor of the ledger's database, and connections whose waits are limited."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from swrhook.errors import CannotRecord
from swrhook.ledger import bounded_connection
from swrhook.ledger.database import Database, open_database, transaction
from swrhook.ledger.kept_state import probe
from swrhook.ledger.monitor import LedgerMonitor
from swrhook.ledger.recorder import Recorder
from swrhook.ledger.tables import deliveries
from tests.chaos.server import Server, needs_server
from tests.factories import (
    NOW,
    A,
    FakeClock,
    FakeOutcomes,
    FakeScheduler,
    entry,
    everything,
    push,
)
from tests.waiting import eventually

# A test fails after this time, far more than it takes.
GENEROUS = 60.0


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with closing(Server()) as server:
        server.start()
        yield server


@pytest.fixture
def on_own_server(server: Server) -> Iterator[Database]:
    server.resume()
    database = open_database(server.url)
    yield database
    server.resume()
    database.close()


@pytest.fixture
def monitor(on_own_server: Database) -> Iterator[LedgerMonitor]:
    monitor = LedgerMonitor(on_own_server, interval=0.05, patience=0.5)
    monitor.start()
    yield monitor
    monitor.stop()


@needs_server
def test_a_server_that_hangs_is_noticed_without_a_delivery_and_its_recovery_too(
    server: Server, monitor: LedgerMonitor
) -> None:
    assert eventually(lambda: monitor.check() is None)
    server.pause()
    assert eventually(lambda: monitor.check() is not None)
    problem = monitor.check()
    server.resume()
    assert eventually(lambda: monitor.check() is None)

    assert problem is not None
    assert "the database has not answered for" in problem


@needs_server
def test_while_the_server_hangs_nothing_waits_for_it(
    server: Server, on_own_server: Database, monitor: LedgerMonitor
) -> None:
    recorder = Recorder(on_own_server, FakeScheduler(), FakeOutcomes(), FakeClock())
    server.pause()
    assert eventually(lambda: monitor.silence() is not None)
    with pytest.raises(CannotRecord, match="the database"):
        recorder.record(entry(push("v1", A)))
    told = recorder.check()
    server.resume()
    assert eventually(lambda: recorder.check() is None)
    recorder.record(entry(push("v2", A)))
    recorder.close()

    assert told is not None
    assert len(everything(on_own_server, deliveries)) == 1


@needs_server
def test_a_statement_on_a_server_that_hangs_ends_by_itself(
    server: Server, on_own_server: Database
) -> None:
    with pytest.raises(OperationalError, match="has not answered"):
        read_from_paused(server, on_own_server)
    server.resume()

    with transaction(on_own_server) as connection:  # another connection has taken its place
        probe(connection, NOW)


def read_from_paused(server: Server, database: Database) -> None:
    with database.read() as reader:
        reader.connection.driver_connection.patience = 0.5  # type: ignore[union-attr]
        server.pause()
        reader.execute(text("SELECT 1"))


@needs_server
def test_an_idle_connection_that_hangs_is_given_up_with_the_next_request(
    server: Server, on_own_server: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_connection, "_IDLE", 0.0)
    with on_own_server.read() as reader:
        reader.execute(text("SELECT 1"))
    server.pause()
    with ThreadPoolExecutor(1) as thread:
        request = thread.submit(write_something, on_own_server)
        error = request.exception(GENEROUS)
    server.resume()

    assert isinstance(error, CannotRecord)
    assert "timeout expired" in str(error)
    write_something(on_own_server)


@needs_server
def test_a_server_that_is_read_only_is_not_ready(server: Server, on_own_server: Database) -> None:
    monitor = LedgerMonitor(on_own_server)
    set_read_only(server, on_own_server, to="on")
    read_only = "the database is read-only: is it a standby? Check SWRHOOK_DATABASE_URL"
    # The first answer may be that the connection was cut.
    assert eventually(lambda: ask(monitor) == read_only)
    set_read_only(server, on_own_server, to="off")
    assert eventually(lambda: ask(monitor) is None)
    monitor.stop()


def ask(monitor: LedgerMonitor) -> str | None:
    monitor.ask()
    return monitor.check()


def set_read_only(server: Server, database: Database, *, to: str) -> None:
    """Set it for new sessions, and end the present ones."""
    with closing(database.spare()) as spare, spare.read() as connection:
        driver = connection.connection.driver_connection
        driver.rollback()  # type: ignore[union-attr]
        driver.autocommit = True  # type: ignore[union-attr]
        driver.execute(f"ALTER SYSTEM SET default_transaction_read_only = {to}")  # type: ignore[union-attr]
        driver.execute("SELECT pg_reload_conf()")  # type: ignore[union-attr]
    server.cut()


def test_a_monitor_is_content_with_a_database_that_works(database: Database) -> None:
    monitor = LedgerMonitor(database)
    monitor.ask()

    assert monitor.check() is None
    monitor.stop()


@pytest.mark.on("sqlite")
def test_a_ledger_that_was_overwritten_is_noticed_without_a_delivery(database: Database) -> None:
    monitor = LedgerMonitor(database)
    with database.write() as connection:
        connection.execute(text("DELETE FROM ledger_marks"))
    monitor.ask()

    assert "was overwritten while the service runs" in (monitor.check() or "")
    monitor.stop()


def test_a_commit_that_does_not_end_makes_the_process_unready(database: Database) -> None:
    begun, finish = threading.Event(), threading.Event()

    class HangingScheduler(FakeScheduler):
        def wake(self, *_arguments: object) -> None:
            begun.set()
            finish.wait(GENEROUS)

    recorder = Recorder(database, HangingScheduler(), FakeOutcomes(), FakeClock(), patience=0.2)
    with ThreadPoolExecutor(1) as thread:
        request = thread.submit(recorder.record, entry(push("v1", A)))
        assert begun.wait(GENEROUS)
        assert eventually(lambda: recorder.check() is not None)
        told = recorder.check()
        finish.set()
        with pytest.raises(CannotRecord, match="did not answer in time"):
            request.result(GENEROUS)
    assert eventually(lambda: recorder.check() is None)
    recorder.close()

    assert told is not None
    assert "a commit of the ledger has been going on for" in told


def write_something(database: Database) -> None:
    with transaction(database) as connection:
        probe(connection, NOW)
