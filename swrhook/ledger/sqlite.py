"""SQLite as the ledger's database: connections, free disk space and backups."""

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from swrhook.errors import LedgerUnusable
from swrhook.ledger.sql import execute
from swrhook.wording.message import say

_BUSY_SECONDS = 10


def open_file(url: URL, *, is_pooled: bool = True) -> Engine:
    """Return an engine for a ledger in a file. Raises LedgerUnusable for one in memory.

    Without a pool, each connection opens the file anew.
    """
    # SQLite reads "file:..." as a URI, which can mean a database in memory, too.
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        message = "SWRHOOK_DATABASE_URL: a ledger in memory loses everything; name a file"
        raise LedgerUnusable(message)
    # Python's sqlite3 begins transactions late, and not before a SELECT; with isolation_level None
    # it leaves that to `_begin`.
    pool = {"pool_size": 8, "max_overflow": 64} if is_pooled else {"poolclass": NullPool}
    engine = sqlalchemy.create_engine(url, connect_args={"isolation_level": None}, **pool)
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin)
    return engine


def _set_pragmas(connection: Any, _record: object) -> None:  # noqa: ANN401  # DBAPI's own type
    for pragma in (
        "journal_mode = WAL",  # readers do not wait for the writer
        "synchronous = FULL",  # a commit is on disk when it returns: a 2xx is a promise
        f"busy_timeout = {_BUSY_SECONDS * 1000}",  # another program may lock the file briefly
        "wal_autocheckpoint = 4000",
        "cache_size = -2000",  # KiB, of each of many readers
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    # BEGIN IMMEDIATE in transactions that write: a plain BEGIN takes the write lock only at the
    # first write, and then fails at once if another transaction has written since the first read.
    begin = connection.get_execution_options().get("swrhook_begin", "BEGIN")
    if begin is not None:
        execute(connection, begin)


# Connections for reading that stay open; each has a cache of its own.
IDLE_READERS = 8


class Readers:
    """The connections that read.

    Those that are idle stay taken from SQLAlchemy's pool, and transactions begin and end without
    SQLAlchemy: either takes it longer than SQLite needs for a query that finds one row.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine.execution_options(swrhook_begin=None)
        self._idle: list[Connection] = []

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Yield a connection in a transaction, to this thread alone."""
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._engine.connect()
        try:
            execute(connection, "BEGIN")
            yield connection
            execute(connection, "COMMIT")
        except BaseException:
            connection.close()
            raise
        if len(self._idle) < IDLE_READERS:
            self._idle.append(connection)
        else:
            connection.close()

    def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop().close()


class SingleWriter:
    """The one connection that writes: SQLite has one writer at a time.

    The threads of this process wait for a lock, since SQLite itself would poll for its own.
    """

    def __init__(self, engine: Engine, patience: float) -> None:
        """Let a thread wait for the others at most `patience` seconds."""
        self._engine = engine.execution_options(swrhook_begin="BEGIN IMMEDIATE")
        self._patience = patience
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._is_durable = True  # as the connection is set now

    @contextmanager
    def connect(self, *, durable: bool) -> Iterator[Connection]:
        """Yield the connection to this thread alone. Raises TimeoutError.

        The commit of a transaction that is not `durable` does not wait for the disk.
        """
        if not self._lock.acquire(timeout=self._patience):
            raise TimeoutError("another thread has been writing for too long")
        try:
            if self._connection is None:
                self._connection = self._engine.connect()
                _set(self._connection, "cache_size = -16000")  # KiB
            if durable is not self._is_durable:
                _set(self._connection, f"synchronous = {'FULL' if durable else 'NORMAL'}")
                self._is_durable = durable
            yield self._connection
        except (SQLAlchemyError, OSError):
            self._close()  # what it cached may be wrong: the next thread opens another one
            raise
        finally:
            self._lock.release()

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.invalidate()
            self._connection.close()
            self._connection = None
            self._is_durable = True


def _set(connection: Connection, pragma: str) -> None:
    # On the driver, since SQLAlchemy would begin a transaction, in which it has no effect.
    driver: Any = connection.connection.driver_connection
    driver.execute(f"PRAGMA {pragma}")


# Bytes that deliveries leave free, so that calls can still be settled and old rows deleted.
FLOOR = 64 * 1024 * 1024
_BETWEEN_READINGS = 1.0


class DiskSpace:
    """Tells whether a folder's disk has at least `floor` bytes free; reads it once a second."""

    def __init__(self, folder: Path, floor: int = FLOOR) -> None:
        self._folder = folder
        self._floor = floor
        self._lock = threading.Lock()
        self._read_at = -_BETWEEN_READINGS
        self._shortage: str | None = None

    def shortage(self) -> str | None:
        """Return why there is too little space, or None."""
        with self._lock:
            if time.monotonic() - self._read_at >= _BETWEEN_READINGS:
                self._read_at = time.monotonic()
                self._shortage = self._read()
            return self._shortage

    def _read(self) -> str | None:
        try:
            disk = os.statvfs(self._folder)
        except OSError as exc:
            return say("the free space for the ledger cannot be read: %(why)s", why=str(exc))
        free = disk.f_bavail * disk.f_frsize
        if free >= self._floor:
            return None
        return say(
            "the disk of %(folder)s has %(free)s MiB free, and deliveries need %(floor)s MiB: "
            "free some space",
            folder=str(self._folder),
            free=free >> 20,
            floor=self._floor >> 20,
        )


def back_up(url: str, target: Path) -> None:
    """Copy a ledger on SQLite to a new file, in one consistent state and flushed to disk.

    The service may be running: neither its writers nor its readers wait. Raises LedgerUnusable.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        raise LedgerUnusable("the ledger is on PostgreSQL: back it up with pg_dump")
    ledger = Path(str(parsed.database))
    if not ledger.exists():
        raise LedgerUnusable(f"there is no ledger {ledger}: nothing to back up")
    if target.exists():
        raise LedgerUnusable(f"{target} already exists: choose a new file")
    partial = target.with_name(f"{target.name}.partial")
    try:
        partial.unlink(missing_ok=True)  # of a backup that was killed
        _copy(ledger, partial)
        partial.rename(target)
        _flush(target.parent)
    except (sqlite3.Error, OSError) as exc:
        partial.unlink(missing_ok=True)
        reason = exc.strerror if isinstance(exc, OSError) else exc
        raise LedgerUnusable(f"the backup {target} cannot be written: {reason}") from exc


def _copy(ledger: Path, partial: Path) -> None:
    # Bodies of deliveries may be confidential. SQLite keeps the mode of an empty file.
    partial.touch(mode=0o600)
    with closing(sqlite3.connect(ledger, timeout=_BUSY_SECONDS, isolation_level=None)) as source:
        source.execute("VACUUM INTO ?", (str(partial),))
    _flush(partial)


def _flush(path: Path) -> None:
    """Flush a file, or the entries of a folder, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
