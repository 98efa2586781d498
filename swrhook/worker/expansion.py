"""The thread that expands large deliveries, a portion of one delivery after that of another.

It pauses after each portion for a multiple of the time that it took. So the deliveries that come in
meanwhile get most of the ledger's time, and none waits for more than one portion.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from swrhook import logs
from swrhook.clock import Clock
from swrhook.config.model import ConfigSource
from swrhook.interpreter import interpreter
from swrhook.ledger.database import Database
from swrhook.ledger.expansion import (
    Expansion,
    count_open,
    due_expansions,
    expand_portion,
    postpone,
)
from swrhook.ledger.portions import PORTION
from swrhook.ledger.ports import LaneScheduler, OutcomeListener
from swrhook.model import Outcome
from swrhook.periodic import PeriodicThread, always

POLL_INTERVAL = 2.0  # seconds
# The pause after a portion is so many times as long as the portion took.
_PAUSE_FACTOR = 3
_MIN_PAUSE = 0.002  # seconds
# How long a delivery waits when its sender has max_open open syncs.
_RETRY_WHEN_FULL = timedelta(seconds=1)


@dataclass(eq=False)
class ExpansionWorker(PeriodicThread):
    """Records the pushes and syncs of large deliveries, and wakes the lanes of each portion.

    Several processes may do so, each with another delivery.
    """

    database: Database
    config: ConfigSource
    scheduler: LaneScheduler
    outcomes: OutcomeListener
    clock: Clock
    interval: float = POLL_INTERVAL
    is_due: Callable[[], bool] = always

    def __post_init__(self) -> None:
        super().__init__("expansion", self.step, self.interval, is_due=self.is_due)

    def step(self) -> bool:
        """Record a portion of the delivery whose turn it is; False if none is to be recorded."""
        with self.database.read() as connection:
            expansions = due_expansions(connection, self.clock.now())
        began = time.monotonic()
        if not any(self._expand(expansion) for expansion in expansions):
            return False
        self.stopping.wait(max(_PAUSE_FACTOR * (time.monotonic() - began), _MIN_PAUSE))
        return True

    def _expand(self, expansion: Expansion) -> bool:
        """Record the next portion; False if it has to wait, or another process records it."""
        if self._is_full(expansion.sender):
            with self.database.write() as connection:
                postpone(connection, expansion, self.clock.now() + _RETRY_WHEN_FULL)
            return False
        with interpreter.computing(), self.database.write() as connection:
            portion = expand_portion(connection, expansion, self.clock.now())
            if portion is not None:
                self.scheduler.wake(connection)
        if portion is None:
            return False
        self.outcomes.deliveries(portion.recording, self.clock.now())
        if portion.outcome is not None:
            _log_end(expansion, portion.outcome)
        return True

    def _is_full(self, sender: str) -> bool:
        """Tell whether another portion would give the sender more than `max_open` open syncs."""
        configured = self.config.current().senders.get(sender)
        if configured is None or configured.max_open is None:
            return False
        with self.database.read() as connection:
            open_syncs = count_open(connection, sender, configured.max_open)
        return open_syncs > max(configured.max_open - PORTION, 0)


def _log_end(expansion: Expansion, outcome: Outcome) -> None:
    logs.event(
        "delivery.expanded",
        delivery=expansion.delivery,
        sender=expansion.sender,
        outcome=outcome.value,
    )
