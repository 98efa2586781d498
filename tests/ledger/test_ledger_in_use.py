"""An SQLite ledger belongs to one process at a time, and its files to their owner."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path

import pytest

from swrhook.errors import LedgerUnusable
from swrhook.ledger.database import Database, open_database
from tests.factories import A, entry, push, write
from tests.waiting import PATIENCE

HOLD = """
import sys
from swrhook.ledger.database import open_database
database = open_database(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
database.close()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def holder(path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Another process that uses the ledger until its input ends."""
    command = [sys.executable, "-c", HOLD, f"sqlite:///{path}"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"open\n"
        yield holder


def open_while_in_use(path: Path, master: int) -> "Future[Database]":
    """Open it in a thread, and wait longer than its patience; return what comes of it."""
    opened: Future[Database] = Future()

    def open_it() -> None:
        try:
            opened.set_result(open_database(f"sqlite:///{path}", patience=0.2, master=master))
        except LedgerUnusable as exc:
            opened.set_exception(exc)

    threading.Thread(target=open_it, daemon=True).start()
    with suppress(TimeoutError):
        opened.exception(1)
    return opened


def test_a_process_waits_longer_for_the_previous_worker_of_its_own_gunicorn(
    path: Path, holder: "subprocess.Popen[bytes]"
) -> None:
    opened = open_while_in_use(path, master=os.getpid())  # the parent of both
    is_waiting = not opened.done()
    holder.communicate(timeout=PATIENCE)

    opened.result(PATIENCE).close()
    assert is_waiting


def test_a_process_does_not_wait_long_for_any_other_process(
    path: Path, holder: "subprocess.Popen[bytes]"
) -> None:
    error = open_while_in_use(path, master=os.getppid()).exception(PATIENCE)
    holder.communicate(timeout=PATIENCE)

    assert f"(process {holder.pid} on " in str(error)


@pytest.fixture(params=[0o000, 0o022])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, str]:
    """Return the modes of a folder's files, by name."""
    return {file.name: oct(file.stat().st_mode & 0o777) for file in folder.iterdir()}


@pytest.mark.usefixtures("umask")
def test_only_the_owner_can_read_a_new_ledger(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "var"
    opened = open_database(f"sqlite:///{folder}/ledger.db")
    write(opened, entry(push("v1", A)))
    while_open = modes(folder)
    opened.close()

    assert folder.stat().st_mode & 0o777 == 0o700
    assert while_open == {f"ledger.db{suffix}": "0o600" for suffix in ("", "-shm", "-wal", ".lock")}


@pytest.mark.usefixtures("umask")
def test_a_ledger_that_others_could_read_is_made_private_and_its_folder_left(
    tmp_path: Path, path: Path
) -> None:
    open_database(f"sqlite:///{path}").close()
    tmp_path.chmod(0o755)
    for file in tmp_path.iterdir():
        file.chmod(0o644)

    open_database(f"sqlite:///{path}").close()

    assert modes(tmp_path) == {"ledger.db": "0o600", "ledger.db.lock": "0o600"}
    assert tmp_path.stat().st_mode & 0o777 == 0o755
