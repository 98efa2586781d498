"""Errors of the database and of its disk, in words for operators."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from swrhook.errors import LedgerUnusable
from swrhook.ledger.postgresql import is_away

_WRITABLE = "let this process's user write the file and its folder, on a disk mounted for writing"
_SPACE = "free some space on its disk"
# By a part of the reason.
_REMEDIES = {
    "readonly database": _WRITABLE,
    "unable to open database file": _WRITABLE,
    "Permission denied": _WRITABLE,
    "Read-only file system": _WRITABLE,
    "disk is full": _SPACE,
    "No space left": _SPACE,
    "disk I/O error": "is there space on its disk, and does the disk work?",  # SQLite says no more
}


class LedgerUnavailable(OSError):
    """The ledger was not asked, because its database is silent or its file is another one."""


def is_unavailable(exc: Exception) -> bool:
    """Tell whether an error means that the ledger cannot be reached now."""
    return isinstance(exc, LedgerUnavailable | PoolTimeout) or is_away(exc)


def reason_of(exc: Exception) -> str:
    """Return the first line of what the database itself says in an error."""
    lines = str(getattr(exc, "orig", None) or exc).splitlines() or [repr(exc)]
    return lines[0]


@contextmanager
def unusable_on_error(message: str) -> Iterator[None]:
    """Raise LedgerUnusable with the message, the reason and a remedy, on an error of the ledger."""
    try:
        yield
    except (SQLAlchemyError, OSError) as exc:
        reason = reason_of(exc)
        remedy = next((text for part, text in _REMEDIES.items() if part in reason), None)
        advice = "" if remedy is None else f": {remedy}"
        raise LedgerUnusable(f"{message}: {reason}{advice}") from exc
