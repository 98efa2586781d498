"""A copy of the ledger while it is in use, whole as of one moment."""

import os
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

from sqlalchemy.engine import make_url

from swrhook.errors import LedgerUnusable

_BUSY_SECONDS = 10


def back_up(url: str, target: Path) -> None:
    """Copy a ledger on SQLite into a file that is not there yet; on disk when this returns.

    Neither who records nor who reads waits for it. Raises LedgerUnusable.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        raise LedgerUnusable("the ledger is PostgreSQL, which has its own: pg_dump, while it runs")
    ledger = Path(str(parsed.database))
    if not ledger.exists():
        raise LedgerUnusable(f"there is no ledger {ledger}: nothing to back up")
    if target.exists():
        raise LedgerUnusable(f"{target} is there already: name a new file")
    partial = target.with_name(f"{target.name}.partial")
    try:
        partial.unlink(missing_ok=True)  # of a backup that was killed
        _copy(ledger, partial)
        partial.rename(target)
        _sync(target.parent)
    except (sqlite3.Error, OSError) as exc:
        partial.unlink(missing_ok=True)
        raise LedgerUnusable(f"the backup {target} cannot be written: {exc}") from exc


def _copy(ledger: Path, partial: Path) -> None:
    partial.touch(mode=0o600)  # it holds what senders sent; SQLite keeps the mode of an empty file
    with closing(sqlite3.connect(ledger, timeout=_BUSY_SECONDS, isolation_level=None)) as sender:
        sender.execute("VACUUM INTO ?", (str(partial),))
    _sync(partial)


def _sync(path: Path) -> None:
    """Wait until a file, or what a folder says of its files, is on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# Kept free for what is acknowledged already: calls are settled, and old rows deleted, with it.
FLOOR = 64 * 1024 * 1024
_BETWEEN_LOOKS = 1.0


class Room:
    """Looks at a folder's disk, once a second at most; whoever finds it full looks again later."""

    def __init__(self, folder: Path, floor: int = FLOOR) -> None:
        """Take the folder, and how many bytes must be free there."""
        self._folder = folder
        self._floor = floor
        self._lock = threading.Lock()
        self._looked = -_BETWEEN_LOOKS
        self._lack: str | None = None

    def lack(self) -> str | None:
        """Return why there is no room, or None."""
        with self._lock:
            if time.monotonic() - self._looked >= _BETWEEN_LOOKS:
                self._looked = time.monotonic()
                self._lack = self._look()
            return self._lack

    def _look(self) -> str | None:
        try:
            disk = os.statvfs(self._folder)
        except OSError as exc:
            return f"the ledger's folder cannot be looked at: {exc}"
        free = disk.f_bavail * disk.f_frsize
        if free >= self._floor:
            return None
        return (
            f"the disk of {self._folder} has {free >> 20} MiB free, and deliveries need "
            f"{self._floor >> 20} MiB: make room"
        )
