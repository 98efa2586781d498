"""A copy of the ledger while it is in use, whole as of one moment."""

import os
import sqlite3
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
    with closing(sqlite3.connect(ledger, timeout=_BUSY_SECONDS, isolation_level=None)) as source:
        source.execute("VACUUM INTO ?", (str(partial),))
    _sync(partial)


def _sync(path: Path) -> None:
    """Wait until a file, or what a folder says of its files, is on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
