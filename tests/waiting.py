"""Waits for what another thread or process does."""

import time
from collections.abc import Callable

# Seconds: far more than anything takes that a test waits for.
PATIENCE = 60.0


def eventually(holds: Callable[[], object], pause: float = 0.01) -> bool:
    """Wait until a condition holds, a minute at most; tell whether it does."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True
