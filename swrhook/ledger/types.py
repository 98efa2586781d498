"""Ids, times as columns, and partial indexes."""

import random
import time
from datetime import UTC, datetime, timedelta
from threading import Lock

from sqlalchemy import BigInteger, Dialect, Index, TextClause, TypeDecorator
from ulid_transform import bytes_to_ulid, ulid_to_bytes

_RANDOM_BITS = 80  # of a ULID; above them stand 48 bits of milliseconds
_lock = Lock()
_last = 0


def new_id(followed_by: int = 0) -> str:
    """Return a ULID of 26 characters, greater than all that this process returned before.

    The order of ids is the order of time, so an id also serves as a cursor of pages. The ids that
    follow it, as many as `followed_by` says, are never returned: `nth_id_after` makes them.
    """
    global _last  # noqa: PLW0603  # one sequence for the whole process
    # Ids are no secrets, so a fast generator of random bits is enough.
    number = time.time_ns() // 1_000_000 << _RANDOM_BITS | random.getrandbits(_RANDOM_BITS)
    with _lock:
        number = max(_last + 1, number)
        _last = number + followed_by
    return bytes_to_ulid(number.to_bytes(16))


def nth_id_after(first: str, number: int) -> str:
    """Return the id that follows another one at a distance."""
    return bytes_to_ulid((int.from_bytes(ulid_to_bytes(first)) + number).to_bytes(16))


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """An aware datetime, stored as microseconds since 1970 UTC.

    An integer is the same on every database, and SQLite has no type for times.
    """

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Convert to microseconds."""
        del dialect
        return None if value is None else to_microseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Convert from microseconds."""
        del dialect
        return None if value is None else to_instant(value)


def to_microseconds(moment: datetime) -> int:
    """Return the number that a time is stored as."""
    return (moment - _EPOCH) // _MICROSECOND


def to_instant(microseconds: int) -> datetime:
    """Return the time of a stored number."""
    return _EPOCH + microseconds * _MICROSECOND


def partial_index(name: str, *columns: str, where: TextClause) -> Index:
    """Return an index of the rows that meet a condition, on both databases."""
    return Index(name, *columns, sqlite_where=where, postgresql_where=where)
