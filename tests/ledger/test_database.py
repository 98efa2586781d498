"""Open the database, run transactions, and refuse what cannot be used."""

import fcntl
import os
import socket
import sqlite3
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import select, text

from swrhook.errors import LedgerUnusable
from swrhook.ledger.database import Database, after_commit, open_database
from swrhook.ledger.kept_state import probe
from swrhook.ledger.service_tables import probes
from tests.factories import NOW, everything

PATIENCE = 10.0


def url(path: Path) -> str:
    return f"sqlite:///{path}"


def pragma(database: Database, name: str) -> Any:
    with database.read() as connection:
        return connection.execute(text(f"PRAGMA {name}")).scalar()


def test_the_folder_is_created(tmp_path: Path) -> None:
    open_database(url(tmp_path / "var" / "lib" / "ledger.db")).close()

    assert (tmp_path / "var" / "lib" / "ledger.db").exists()


def test_a_ledger_is_opened_again_as_it_was(tmp_path: Path) -> None:
    database = open_database(url(tmp_path / "ledger.db"))
    with database.write() as connection:
        probe(connection, NOW)
    database.close()

    database = open_database(url(tmp_path / "ledger.db"))
    assert everything(database, probes) == [{"id": 1, "at": NOW}]
    database.close()


@pytest.mark.parametrize(
    "address",
    [
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///file::memory:?uri=true",
        "sqlite:///file:ledger?mode=memory&cache=shared&uri=true",
    ],
)
def test_a_ledger_in_memory_is_refused(address: str) -> None:
    with pytest.raises(LedgerUnusable, match="a ledger in memory loses everything"):
        open_database(address)


@pytest.mark.parametrize("address", ["ledger.db", "nosuch:///ledger.db", "sqlite+nosuch:///l.db"])
def test_a_url_that_names_no_database_is_refused(address: str) -> None:
    with pytest.raises(LedgerUnusable, match="SWRHOOK_DATABASE_URL is not usable"):
        open_database(address)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ledger.db").write_text("dear diary, " * 1000)

    with pytest.raises(LedgerUnusable, match=r"cannot be opened: .*file is not a database"):
        open_database(url(tmp_path / "ledger.db"))


def test_a_folder_that_cannot_be_created_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(LedgerUnusable, match=r"cannot be opened: .*File exists"):
        open_database(url(tmp_path / "file" / "ledger.db"))


def test_a_password_in_the_url_is_not_shown() -> None:
    with pytest.raises(LedgerUnusable) as refused:
        open_database("nosuch://user:hidden@127.0.0.1:9/ledger")

    assert "hidden" not in str(refused.value)


@pytest.mark.parametrize("path", ["ledger.db", "newer.db", "diary.db"])
def test_a_refused_ledger_is_left_unlocked(tmp_path: Path, path: str) -> None:
    make_newer(tmp_path / "newer.db")
    (tmp_path / "diary.db").write_text("dear diary, " * 1000)
    if path == "ledger.db":
        open_database(url(tmp_path / path)).close()
    else:
        with pytest.raises(LedgerUnusable):
            open_database(url(tmp_path / path))

    with (tmp_path / f"{path}.lock").open() as lock_file:
        fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def make_newer(path: Path) -> None:
    """Make a ledger of a later version, which this one cannot use."""
    open_database(url(path)).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'v9_0001'")
        connection.execute("UPDATE schema_versions SET oldest_program = 'v9_0001'")
    connection.close()


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    make_newer(tmp_path / "ledger.db")

    with pytest.raises(LedgerUnusable, match="revision v9_0001, which this version does not know"):
        open_database(url(tmp_path / "ledger.db"))


@pytest.mark.on("sqlite")
def test_a_second_process_is_refused(database: Database, tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from swrhook.errors import LedgerUnusable\n"
        "from swrhook.ledger.database import open_database\n"
        "try:\n"
        "    open_database(sys.argv[1], patience=0.2)\n"
        "except LedgerUnusable as exc:\n"
        "    print(exc)\n"
    )

    second = subprocess.run(
        [sys.executable, "-c", program, url(tmp_path / "ledger.db")],
        capture_output=True,
        check=True,
        text=True,
        timeout=60,
    )

    assert second.stdout.splitlines()[-1] == (
        f"another process uses {tmp_path}/ledger.db (process {os.getpid()} on "
        f"{socket.gethostname()}): SQLite serves one process with threads. Stop the other process. "
        "To run several, set SWRHOOK_DATABASE_URL to PostgreSQL"
    )
    assert everything(database, probes) == []  # and the first goes on


@pytest.mark.on("sqlite")
def test_a_process_waits_for_the_previous_one(database: Database, tmp_path: Path) -> None:
    opened: list[Database] = []
    next_one = threading.Thread(
        target=lambda: opened.append(open_database(url(tmp_path / "ledger.db"), patience=PATIENCE))
    )
    next_one.start()

    database.close()
    next_one.join(PATIENCE)

    assert len(opened) == 1
    opened[0].close()


@pytest.mark.on("sqlite")
def test_a_commit_is_on_disk_before_it_returns(database: Database) -> None:
    full = 2

    assert pragma(database, "synchronous") == full
    assert pragma(database, "journal_mode") == "wal"
    assert pragma(database, "busy_timeout") == 10_000


@pytest.mark.on("sqlite")
def test_every_connection_has_the_same_settings(database: Database) -> None:
    with database.read(), database.read(), database.read() as third:
        assert third.execute(text("PRAGMA synchronous")).scalar() == 2
        assert third.execute(text("PRAGMA journal_mode")).scalar() == "wal"


def test_a_write_that_fails_leaves_nothing_behind(database: Database) -> None:
    with suppress(ZeroDivisionError), database.write() as connection:
        probe(connection, NOW)
        raise ZeroDivisionError

    assert everything(database, probes) == []
    with database.write() as connection:  # and the next one goes through
        probe(connection, NOW)


def test_readers_do_not_wait_for_the_writer_and_see_one_snapshot(database: Database) -> None:
    with database.read() as reader:
        assert reader.execute(select(probes)).all() == []
        with database.write() as writer:
            probe(writer, NOW)
        assert reader.execute(select(probes)).all() == []

    assert len(everything(database, probes)) == 1


@pytest.mark.on("sqlite")
def test_writers_take_turns(database: Database) -> None:
    inside: list[int] = []
    most: list[int] = []

    def add() -> None:
        for _ in range(20):
            with database.write() as connection:
                inside.append(1)
                most.append(len(inside))
                probe(connection, NOW)
                inside.pop()

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)

    assert most == [1] * 80


def test_callbacks_wait_for_the_commit(database: Database) -> None:
    seen: list[int] = []

    with database.write() as connection:
        after_commit(connection, lambda: seen.append(len(everything(database, probes))))
        probe(connection, NOW)
        assert seen == []

    assert seen == [1]


def test_callbacks_are_dropped_when_the_write_fails(database: Database) -> None:
    called: list[str] = []
    with suppress(ZeroDivisionError), database.write() as connection:
        after_commit(connection, lambda: called.append("failed"))
        raise ZeroDivisionError

    with database.write() as connection:
        after_commit(connection, lambda: called.append("succeeded"))

    assert called == ["succeeded"]


@pytest.mark.on("postgresql")
def test_the_engines_connections_have_the_limits_of_the_ledgers_own(database: Database) -> None:
    with database.read() as own:
        limits = own.connection.driver_connection.info.get_parameters()  # type: ignore[union-attr]
    with psycopg.connect(database.conninfo) as connection:
        assert connection.info.get_parameters() == limits
    assert (limits["connect_timeout"], limits["tcp_user_timeout"]) == ("5", "15000")
