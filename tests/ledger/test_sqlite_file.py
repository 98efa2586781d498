"""An SQLite ledger whose file is deleted, replaced, overwritten or rolled back is recognized."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from swrhook.cli import main
from swrhook.errors import CannotRecord, LedgerUnusable
from swrhook.ledger.database import Database, after_commit, open_database, transaction
from swrhook.ledger.kept_state import probe
from swrhook.ledger.monitor import LedgerMonitor
from swrhook.ledger.recorder import Recorder
from swrhook.ledger.service_tables import probes
from swrhook.ledger.tables import deliveries
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

pytestmark = pytest.mark.on("sqlite")
PATIENCE = 60.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The ledger of the fixture `database`."""
    return tmp_path / "ledger.db"


def url(path: Path) -> str:
    return f"sqlite:///{path}"


def delete(path: Path) -> None:
    path.unlink()


def replace(path: Path) -> None:
    copied = path.with_name("copy.db")
    shutil.copy(path, copied)
    copied.replace(path)


def lose_log(path: Path) -> None:
    Path(f"{path}-wal").unlink()


@pytest.mark.parametrize("harm", [delete, replace, lose_log])
def test_a_file_that_was_changed_takes_no_deliveries(
    database: Database, path: Path, harm: Callable[[Path], None]
) -> None:
    recorder = Recorder(database, FakeScheduler(), FakeOutcomes(), FakeClock())
    monitor = LedgerMonitor(database)
    harm(path)
    monitor.ask()

    assert "was deleted or replaced while the service runs" in (recorder.check() or "")
    with pytest.raises(CannotRecord, match="was deleted or replaced while the service runs"):
        recorder.record(entry(push("v1", A)))
    recorder.close()
    monitor.stop()
    assert path.exists() == (harm is not delete)  # nothing made an empty one


@pytest.mark.parametrize("harm", [delete, replace, lose_log])
def test_a_delivery_that_was_committed_to_a_deleted_file_is_not_acknowledged(
    database: Database, path: Path, harm: Callable[[Path], None]
) -> None:
    class HarmfulScheduler(FakeScheduler):
        def wake(self, *_arguments: object) -> None:
            harm(path)

    recorder = Recorder(database, HarmfulScheduler(), FakeOutcomes(), FakeClock())
    with pytest.raises(CannotRecord, match="was deleted or replaced"):
        recorder.record(entry(push("v1", A)))
    recorder.close()


def test_after_a_commit_to_a_deleted_file_nothing_more_is_done(
    database: Database, path: Path
) -> None:
    called: list[str] = []

    def write() -> None:
        with database.write() as connection:
            after_commit(connection, lambda: called.append("a lane was scheduled"))
            probe(connection, NOW)
            delete(path)

    with pytest.raises(OSError, match="was deleted or replaced"):
        write()
    assert called == []


def test_a_file_that_was_put_back_is_used_again(database: Database, path: Path) -> None:
    monitor = LedgerMonitor(database)
    away = path.rename(path.with_name("away.db"))
    monitor.ask()
    problem = monitor.check()
    away.rename(path)
    monitor.ask()
    with transaction(database) as connection:
        probe(connection, NOW)

    assert problem is not None
    assert monitor.check() is None
    monitor.stop()


def test_a_ledger_is_used_again_after_a_clean_stop_and_after_a_kill(path: Path) -> None:
    open_database(url(path)).close()
    killed = (
        "import os, sys\n"
        "from swrhook.ledger.database import open_database\n"
        "open_database(sys.argv[1])\n"
        "os._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", killed, url(path)], check=False, timeout=PATIENCE)

    open_database(url(path)).close()


def leave(path: Path) -> None:
    """Use a ledger once, and keep a copy from before that."""
    open_database(url(path)).close()
    shutil.copy(path, path.with_name("older.db"))
    database = open_database(url(path))
    with database.write() as connection:
        probe(connection, NOW)
    database.close()


def put_older_back(path: Path) -> None:
    shutil.copy(path.with_name("older.db"), path)


def put_another(path: Path) -> None:
    other = path.with_name("other.db")
    open_database(url(other)).close()
    shutil.copy(other, path)


def empty(path: Path) -> None:
    path.write_bytes(b"")


CHANGES: dict[Callable[[Path], None], str] = {
    delete: "is gone",
    empty: "is gone",
    put_older_back: "is older",
    put_another: "another",
}


@pytest.mark.parametrize("change", CHANGES)
def test_another_ledger_than_the_last_one_is_refused_until_it_is_accepted(
    path: Path, change: Callable[[Path], None]
) -> None:
    leave(path)
    change(path)
    for _ in range(2):  # a refusal changes nothing
        with pytest.raises(LedgerUnusable, match=CHANGES[change]) as refused:
            open_database(url(path))
    accepted = accept(path)
    database = open_database(url(path))
    database.close()

    assert "run `python -m swrhook db accept`" in str(refused.value)
    assert accepted.exit_code == 0, accepted.output
    open_database(url(path)).close()


def accept(path: Path) -> Result:
    return CliRunner().invoke(main, ["db", "accept"], env={"SWRHOOK_DATABASE_URL": url(path)})


def test_a_write_ahead_log_that_was_lost_after_a_kill_is_recognized(path: Path) -> None:
    open_database(url(path)).close()
    killed = (
        "import os, sys\n"
        "from swrhook.ledger.database import open_database\n"
        "open_database(sys.argv[1])\n"  # its start is in the log only
        "os._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", killed, url(path)], check=False, timeout=PATIENCE)
    lose_log(path)

    with pytest.raises(LedgerUnusable, match=r"ledger\.db-wal was lost"):
        open_database(url(path))


def test_what_was_recorded_shortly_before_a_mark_is_part_of_it(path: Path) -> None:
    database = open_database(url(path))
    shutil.copy(path, path.with_name("older.db"))
    shutil.copy(f"{path}-wal", path.with_name("older.db-wal"))
    with database.write() as connection:
        probe(connection, NOW)
    database.mark()
    database.close()
    put_older_back(path)
    shutil.copy(path.with_name("older.db-wal"), f"{path}-wal")

    with pytest.raises(LedgerUnusable, match="is older"):
        open_database(url(path))


def test_a_backup_of_a_stopped_ledger_can_take_its_place(path: Path) -> None:
    leave(path)
    copied = path.with_name("backup.db")
    backup = ["db", "backup", str(copied)]
    result = CliRunner().invoke(main, backup, env={"SWRHOOK_DATABASE_URL": url(path)})
    assert result.exit_code == 0, result.output
    copied.replace(path)

    database = open_database(url(path))
    assert len(everything(database, probes)) == 1
    database.close()


def test_a_backup_with_another_name_needs_no_acceptance(path: Path) -> None:
    leave(path)

    open_database(url(path.with_name("older.db"))).close()


@pytest.mark.parametrize("content", ["", "{", '{"mark": 1}', "[]", "null"])
def test_a_lock_file_that_was_cut_off_refuses_nothing(path: Path, content: str) -> None:
    leave(path)
    Path(f"{path}.lock").write_text(content)

    open_database(url(path)).close()


def test_there_is_nothing_to_accept_on_postgresql() -> None:
    environ = {"SWRHOOK_DATABASE_URL": "postgresql+psycopg://127.0.0.1/ledger"}
    result = CliRunner().invoke(main, ["db", "accept"], env=environ)

    assert result.exit_code == 1
    assert "there is nothing to accept" in result.output


def test_a_ledger_in_use_cannot_be_accepted(database: Database, path: Path) -> None:
    result = accept(path)

    assert result.exit_code == 1
    assert "another process uses" in result.output
    assert everything(database, deliveries) == []
