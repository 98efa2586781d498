"""Free disk space, writers that hang, and readers that stay open."""

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import QueuePool

from swrhook.errors import CannotRecord
from swrhook.ledger.database import Database, transaction
from swrhook.ledger.kept_state import probe
from swrhook.ledger.recorder import Recorder
from swrhook.ledger.service_tables import probes
from swrhook.ledger.sqlite import IDLE_READERS, DiskSpace, Readers, open_file
from swrhook.ledger.tables import deliveries
from tests.factories import NOW, A, FakeClock, FakeOutcomes, FakeScheduler, entry, everything, push
from tests.waiting import eventually

PATIENCE = 20.0
MORE_THAN_ANY_DISK = 1 << 60


@pytest.mark.on("sqlite")
def test_without_disk_space_deliveries_are_refused_and_readiness_says_why(
    database: Database, tmp_path: Path
) -> None:
    recorder = Recorder(
        database, FakeScheduler(), FakeOutcomes(), FakeClock(), floor=MORE_THAN_ANY_DISK
    )

    with pytest.raises(CannotRecord, match=f"the disk of {tmp_path} has .* free some space"):
        recorder.record(entry(push("v1", A)))
    told = recorder.check()
    recorder.close()

    assert told is not None
    assert "free some space" in told
    assert everything(database, deliveries) == []


@pytest.mark.on("postgresql")
def test_the_disk_of_a_server_is_not_checked(database: Database) -> None:
    recorder = Recorder(
        database, FakeScheduler(), FakeOutcomes(), FakeClock(), floor=MORE_THAN_ANY_DISK
    )

    recorder.record(entry(push("v1", A)))
    assert recorder.check() is None
    recorder.close()


def test_disk_space_that_was_freed_is_noticed(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    room = DiskSpace(folder, floor=1)
    assert "cannot be read" in (room.shortage() or "")

    folder.mkdir()

    assert eventually(lambda: room.shortage() is None)
    assert os.statvfs(folder).f_bavail > 0


@pytest.mark.on("sqlite")
def test_a_thread_does_not_wait_forever_for_a_writer_that_hangs(
    database: Database, tmp_path: Path
) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/ledger.db")
    impatient = Database(engine, patience=0.1)

    with (
        impatient.write(),
        ThreadPoolExecutor(1) as threads,
        pytest.raises(CannotRecord, match="writing for too long"),
    ):
        threads.submit(write_something, impatient).result(PATIENCE)

    write_something(impatient)
    impatient.close()
    assert len(everything(database, probes)) == 1


def write_something(database: Database) -> None:
    with transaction(database) as connection:
        probe(connection, NOW)


def open_readers(engine: Engine) -> int:
    assert isinstance(engine.pool, QueuePool)
    return engine.pool.checkedout()


def test_an_idle_reader_is_used_again_and_few_stay_open(tmp_path: Path) -> None:
    engine = open_file(make_url(f"sqlite:///{tmp_path}/ledger.db"))
    readers = Readers(engine)

    with readers.begin() as first:
        pass
    with readers.begin() as second, ExitStack() as stack:
        assert second is first
        for _ in range(IDLE_READERS + 1):
            stack.enter_context(readers.begin())

    assert open_readers(engine) == IDLE_READERS
    readers.close()
    assert open_readers(engine) == 0


def test_a_reader_that_failed_does_not_stay_open(tmp_path: Path) -> None:
    engine = open_file(make_url(f"sqlite:///{tmp_path}/ledger.db"))
    readers = Readers(engine)

    with pytest.raises(OperationalError), readers.begin() as connection:
        connection.execute(text("SELECT nothing FROM nowhere"))
    with pytest.raises(TimeoutError), readers.begin():
        raise TimeoutError

    assert open_readers(engine) == 0
    with readers.begin() as connection:
        assert connection.scalar(text("SELECT 1")) == 1
    readers.close()
