"""Deletes old rows from the ledger: once an hour, in one process for all."""

import time
from collections import Counter
from datetime import timedelta

from swrhook import logs
from swrhook.clock import Clock
from swrhook.config.model import ConfigSource
from swrhook.ledger.database import Database
from swrhook.ledger.leases import PeriodicLease
from swrhook.ledger.retention import (
    FIRST,
    Step,
    prune_audit,
    prune_calls,
    prune_deliveries,
    prune_repairs,
    prune_syncs,
)
from swrhook.metrics import Metrics
from swrhook.periodic import PeriodicThread

INTERVAL = timedelta(hours=1)
# Seconds between two checks whether a run is due: another process may have made it.
POLL_INTERVAL = 60.0
# After each step the thread pauses for this many times as long as the step took, so that it never
# takes more than a fifth of the ledger's time.
PAUSE_FACTOR = 4
_MIN_PAUSE = 0.01  # seconds


class Retention:
    """The thread that makes the runs that are due."""

    def __init__(
        self,
        database: Database,
        config: ConfigSource,
        clock: Clock,
        metrics: Metrics,
        *,
        interval: float = POLL_INTERVAL,
    ) -> None:
        self._lease = PeriodicLease(database, "retention", clock)
        self._config = config
        self._metrics = metrics
        self._thread = PeriodicThread(
            "retention", self.run_if_due, interval, on_error=self._count_failure
        )

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread after the step in progress; the next run does the rest."""
        self._thread.stop()

    def run_if_due(self) -> Counter[str] | None:
        """Make a run if one is due; return the number of deleted rows by table, else None."""
        if not self._lease.begin(INTERVAL):
            return None
        began = time.monotonic()
        deleted = self._delete()
        took_ms = round(1000 * (time.monotonic() - began))
        outcome = "stopped" if self._thread.stopping.is_set() else "done"
        logs.event(f"retention.{outcome}", took_ms=took_ms, **deleted)
        self._metrics.retention_run(outcome)
        return deleted

    def _delete(self) -> Counter[str]:
        """Delete in small steps until no row is old enough, or the thread has to stop."""
        now, options = self._lease.clock.now(), self._config.current().options
        ages = {
            prune_deliveries: options.keep_deliveries,
            prune_syncs: options.keep_syncs,
            prune_calls: options.keep_syncs,
            prune_audit: options.keep_syncs,
            prune_repairs: options.keep_syncs,
        }
        deleted: Counter[str] = Counter()
        for prune, age in ages.items():
            after: str | None = FIRST
            while after is not None and not self._thread.stopping.is_set():
                began = time.monotonic()
                step = prune(self._lease, now - age, after)
                after = step.after
                self._count(step)
                deleted.update(step.deleted)
                pause = PAUSE_FACTOR * (time.monotonic() - began)
                self._thread.stopping.wait(max(pause, _MIN_PAUSE))
        return deleted

    def _count(self, step: Step) -> None:
        for table, rows in step.deleted.items():
            self._metrics.pruned(table, rows)

    def _count_failure(self) -> None:
        self._metrics.retention_run("failed")
