"""The file of an SQLite ledger: one process uses it, and it stays the one that it was.

`<ledger>.lock` beside it is locked by the process that uses the ledger. It names that process, and
the ledger as it was last seen: its id, and a counter that only grows. So a ledger that was deleted,
replaced by another one or by an older copy, or whose write-ahead log was lost, is recognized at the
next start. While the process runs, the path must lead to the files that are open.

The ledger holds the bodies of deliveries: whatever the umask, only its owner can read its files,
and open a folder that was made for it.
"""

import fcntl
import json
import os
import socket
import sqlite3
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Column, Connection, Engine, Integer, Row, String, Table, insert, select
from sqlalchemy.exc import OperationalError

from swrhook import logs
from swrhook.errors import LedgerUnusable
from swrhook.ledger.columns import metadata
from swrhook.ledger.types import new_id
from swrhook.wording.message import say

# Seconds that a new process waits for another one that uses the ledger.
LOCK_PATIENCE = 4.0
# The same if the other one is a worker of the same gunicorn: on HUP, gunicorn starts a new worker
# before it stops the old one, which finishes its calls first.
SUCCESSOR_PATIENCE = 90.0
_POLL = 0.1
_ACCEPT = "run `python -m swrhook db accept`"
# SQLite gives the files beside the ledger the mode that the ledger has.
_FILE_MODE, _FOLDER_MODE = 0o600, 0o700
_SUFFIXES = ("", "-wal", "-shm")

# One row, only on SQLite.
ledger_marks = Table(
    "ledger_marks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("ledger", String(26), nullable=False, comment="random: no two ledgers have the same"),
    Column("counter", Integer, nullable=False, comment="grows: an older copy has a lower one"),
)


@dataclass(frozen=True, slots=True)
class Mark:
    """Which ledger it is, and how far it has come."""

    ledger: str
    counter: int

    def continues(self, earlier: "Mark") -> bool:
        """Tell whether it is of the same ledger, and not of an older copy."""
        return self.ledger == earlier.ledger and self.counter >= earlier.counter


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that has locked a ledger, and its parent."""

    pid: int
    parent: int
    host: str

    def __str__(self) -> str:
        """Return it as an operator looks for it."""
        return f"process {self.pid} on {self.host}"


def _this_process() -> Holder:
    return Holder(os.getpid(), os.getppid(), socket.gethostname())


class SqliteFile:
    """The locked file of a ledger. `close` unlocks it."""

    def __init__(self, path: Path, patience: float, master: int | None) -> None:
        """Lock the file `<path>.lock`, and wait for another process at most `patience` seconds.

        `master`: the id of this process's gunicorn, for whose previous worker it waits longer.
        Raises LedgerUnusable and OSError.
        """
        self._path = path
        path.parent.mkdir(_FOLDER_MODE, parents=True, exist_ok=True)
        self._lock = _locked(path, patience, master)
        for file in (f"{path}.lock", *(f"{path}{suffix}" for suffix in _SUFFIXES)):
            _restrict(Path(file))
        self.mark, _ = _read(self._lock)
        self._open: sqlite3.Connection | None = None
        self._identities: list[tuple[str, tuple[int, int] | None]] = []
        self._write()

    def verify(self, engine: Engine) -> None:
        """Raise LedgerUnusable if the ledger is not the one that was last used here."""
        last = self.mark
        if last is None:
            return
        present = read_mark(engine) if _has_content(self._path) else None
        lock = f"{self._path}.lock"
        if present is None:
            raise LedgerUnusable(
                f"the ledger {self._path} is gone: {lock} says that there was one. Put it back, or "
                f"restore a backup. To begin with an empty ledger, {_ACCEPT}"
            )
        if present.ledger != last.ledger:
            raise LedgerUnusable(
                f"{self._path} is another ledger than the one that was last used here, according "
                f"to {lock}. Put that one back; or, if this is the right one, {_ACCEPT}"
            )
        if present.counter < last.counter:
            raise LedgerUnusable(
                f"the ledger {self._path} is older than when it was last used, according to "
                f"{lock}: it is a backup, or {self._path.name}-wal was lost, and what was recorded "
                f"later is missing. Put the later one back; or, if you restored it, {_ACCEPT}"
            )

    def create(self) -> None:
        """Create the ledger's file, still empty, if there is none. Raises OSError."""
        self._path.touch(_FILE_MODE)

    def open(self) -> None:
        """Note which files are open, once the ledger has been written."""
        # As long as this connection is open, SQLite keeps the write-ahead log.
        self._open = sqlite3.connect(self._path, check_same_thread=False)
        self._open.execute("SELECT 1 FROM ledger_marks").fetchall()
        paths = (str(self._path), f"{self._path}-wal")
        self._identities = [(path, _identity(path)) for path in paths]

    def problem(self) -> str | None:
        """Return that the path leads to other files than those that are open, or None."""
        for path, identity in self._identities:
            if _identity(path) != identity:
                return say(
                    "%(path)s was deleted or replaced while the service runs: put it back, or stop "
                    "the service, restore a backup, and start it again",
                    path=str(path),
                )
        return None

    def problem_of(self, present: Mark | None, last: Mark | None) -> str | None:
        """Return that the file at the path has another content than the one that is open, or None.

        `present` was just read from it, and `last` was its mark before that.
        """
        if last is None or (present is not None and present.continues(last)):
            return None
        return say(
            "%(path)s was overwritten while the service runs: stop the service, restore a backup, "
            "and start it again",
            path=str(self._path),
        )

    def note(self, mark: Mark) -> None:
        """Note beside the ledger how far it has come. Raises OSError."""
        self.mark = mark
        self._write()

    def accept(self, engine: Engine) -> bool:
        """Take the ledger that is there now for the right one, and tell whether there is one.

        Raises SQLAlchemyError and OSError.
        """
        self.mark = read_mark(engine) if _has_content(self._path) else None
        self._write()
        return _has_content(self._path)

    @property
    def is_open(self) -> bool:
        """Tell whether the ledger was verified and opened."""
        return self._open is not None

    def close(self) -> None:
        """Unlock it."""
        if self._open is not None:
            self._open.close()
        self._lock.close()

    def _write(self) -> None:
        holder = _this_process()
        mark = None if self.mark is None else [self.mark.ledger, self.mark.counter]
        values = {"mark": mark, "holder": [holder.pid, holder.parent, holder.host]}
        self._lock.seek(0)
        self._lock.write(json.dumps(values) + "\n")
        self._lock.truncate()
        self._lock.flush()
        os.fsync(self._lock.fileno())


def read_mark(engine: Engine) -> Mark | None:
    """Return the mark in a ledger; None if it has none. Raises SQLAlchemyError."""
    with engine.connect() as connection:
        try:
            row = connection.execute(_MARK).first()
        except OperationalError as exc:
            if "no such table" in str(exc):
                return None
            raise
    return _to_mark(row)


def advance(connection: Connection) -> Mark:
    """Let the ledger's counter grow, and return its mark; a ledger without one gets one."""
    mark = _to_mark(connection.execute(_MARK).first())
    if mark is None:
        mark = Mark(new_id(), 0)
        connection.execute(insert(ledger_marks).values(id=1, ledger=mark.ledger, counter=0))
    mark = Mark(mark.ledger, mark.counter + 1)
    connection.execute(ledger_marks.update().values(counter=mark.counter))
    return mark


_MARK = select(ledger_marks.c.ledger, ledger_marks.c.counter)


def _to_mark(row: Row[Any, Any] | None) -> Mark | None:
    return None if row is None else Mark(row.ledger, row.counter)


def _locked(path: Path, patience: float, master: int | None) -> IO[str]:
    """Return the locked file beside the ledger. Raises LedgerUnusable."""
    descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, _FILE_MODE)
    file = os.fdopen(descriptor, "r+", encoding="utf-8")
    began = time.monotonic()
    is_logged = False
    while True:
        with suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return file
        _, holder = _read(file)
        limit = SUCCESSOR_PATIENCE if _is_predecessor(holder, master) else patience
        if time.monotonic() - began >= limit:
            file.close()
            message = (
                f"another process uses {path} ({holder or 'unknown'}): SQLite serves one process "
                "with threads. Stop the other process. To run several, set SWRHOOK_DATABASE_URL to "
                "PostgreSQL"
            )
            raise LedgerUnusable(message)
        if not is_logged:
            used_by = str(holder or "an unknown process")
            logs.warning("ledger.in_use", file=str(path), used_by=used_by, waits_seconds=limit)
            is_logged = True
        time.sleep(_POLL)


def _restrict(path: Path) -> None:
    """Take the access of others to an existing file away, or warn that it is left."""
    try:
        others = path.stat().st_mode & 0o077
        if others:
            path.chmod(_FILE_MODE)
    except FileNotFoundError:
        return
    except OSError as exc:  # it belongs to another user, or its file system has no modes
        logs.warning("ledger.not_private", file=str(path), reason=exc.strerror)


def _is_predecessor(holder: Holder | None, master: int | None) -> bool:
    return holder is not None and (holder.host, holder.parent) == (socket.gethostname(), master)


def _read(file: IO[str]) -> tuple[Mark | None, Holder | None]:
    """Return what the file says; nothing if it is new, or was cut off by a power failure."""
    file.seek(0)
    with suppress(ValueError, KeyError, TypeError):
        values = json.loads(file.read())
        mark = None if values["mark"] is None else Mark(*values["mark"])
        return mark, Holder(*values["holder"])
    return None, None


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116  # runs for each commit, and Path is slower
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _has_content(path: Path) -> bool:
    with suppress(OSError):
        return path.stat().st_size > 0
    return False
