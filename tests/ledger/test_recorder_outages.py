"""A recorder whose ledger cannot be written refuses deliveries, and recovers."""

import resource
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from swrhook.errors import CannotRecord
from swrhook.ledger.database import Database
from swrhook.ledger.recorder import BETWEEN_PROBES, Recorder
from swrhook.ledger.tables import deliveries
from tests.factories import A, FakeOutcomes, FakeScheduler, all_syncs, entry, everything, push
from tests.ledger.recording import CLOCK, record_at_once
from tests.waiting import eventually

pytestmark = pytest.mark.on("sqlite")
MANY = 40


@contextmanager
def full_disk() -> Iterator[None]:
    """Prevent files of this process from growing, as on a full disk."""
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


@contextmanager
def locked_by_another_program(path: Path) -> Iterator[None]:
    """Lock the ledger as a backup or SQLite's shell would."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


def test_a_full_disk_refuses_deliveries_and_recording_recovers(
    database: Database, recorder: Recorder
) -> None:
    first = recorder.record(entry(push("v1", A)))

    with full_disk():
        with pytest.raises(CannotRecord, match="the ledger cannot be written: disk I/O error"):
            recorder.record(entry(push("v2", A)))
        assert recorder.check() is not None
        answers = record_at_once(recorder, [entry(push(f"v{n}", A)) for n in range(MANY)])
        assert all(isinstance(answer, CannotRecord) for answer in answers)

    second = recorder.record(entry(push("v2", A)))
    assert {first.delivery, second.delivery} == {
        row["id"] for row in everything(database, deliveries)
    }
    assert recorder.check() is None


def test_a_refused_delivery_leaves_nothing_behind(
    database: Database, recorder: Recorder, scheduler: FakeScheduler
) -> None:
    with full_disk(), pytest.raises(CannotRecord):
        recorder.record(entry(push("v1", A)))

    assert everything(database, deliveries) == []
    assert all_syncs(database) == []
    assert scheduler.woken == 0


def test_readiness_recovers_without_a_delivery(recorder: Recorder) -> None:
    with full_disk():
        with pytest.raises(CannotRecord):
            recorder.record(entry(push("v1", A)))
        time.sleep(BETWEEN_PROBES + 0.1)
        assert recorder.check() == "the ledger cannot be written: disk I/O error"
        time.sleep(BETWEEN_PROBES + 0.1)
        assert recorder.check() == "the ledger cannot be written: disk I/O error"

    assert eventually(lambda: recorder.check() is None)


def test_the_readiness_check_does_not_wait_for_a_slow_write(
    recorder: Recorder, tmp_path: Path
) -> None:
    with full_disk(), pytest.raises(CannotRecord):
        recorder.record(entry(push("v1", A)))

    with locked_by_another_program(tmp_path / "ledger.db"):
        began = time.monotonic()
        assert recorder.check() is not None
        time.sleep(BETWEEN_PROBES + 0.1)
        assert recorder.check() is not None
        assert time.monotonic() - began < 2 * BETWEEN_PROBES + 3  # and not SQLite's ten seconds

    assert eventually(lambda: recorder.check() is None)


def test_a_ledger_locked_by_another_program_refuses_after_the_timeout(
    database: Database, scheduler: FakeScheduler, outcomes: FakeOutcomes, tmp_path: Path
) -> None:
    recorder = Recorder(database, scheduler, outcomes, CLOCK, patience=0.2)

    with locked_by_another_program(tmp_path / "ledger.db"):
        for tag in ("v1", "v2"):  # one is being written, and the other waits for that
            with pytest.raises(CannotRecord, match="did not answer in time"):
                recorder.record(entry(push(tag, A)))

    assert eventually(lambda: len(all_syncs(database)) == 1)  # it is let go
    assert [sync.tag for sync in all_syncs(database)] == ["v1"]
