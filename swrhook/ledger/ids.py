"""Ids: ULIDs, which sort by the time they were made, so that a cursor is an id."""

import random
import time
from threading import Lock

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
