"""Times in the ledger."""

import random
import time
from datetime import UTC, datetime, timedelta
from threading import Lock

from sqlalchemy import BigInteger, Dialect, TypeDecorator
from ulid_transform import bytes_to_ulid

_CHANCE = 80  # bits, below 48 of milliseconds
_lock = Lock()
_last = 0


def new_id() -> str:
    """Return a new id: 26 characters, greater than those that this process made before."""
    global _last  # noqa: PLW0603  # the one thing that ids of a process share
    now = time.time_ns() // 1_000_000 << _CHANCE | random.getrandbits(_CHANCE)  # no secret
    with _lock:
        _last = max(_last + 1, now)
        return bytes_to_ulid(_last.to_bytes(16))


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Instant(TypeDecorator[datetime]):
    """An aware datetime, kept as microseconds since 1970 UTC: the same on every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Write microseconds."""
        del dialect
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Read microseconds."""
        del dialect
        return None if value is None else to_instant(value)


def to_instant(microseconds: int) -> datetime:
    """Return the time that stands in the ledger as this number."""
    return _EPOCH + microseconds * _MICROSECOND
