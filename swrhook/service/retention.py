"""Deletes old rows from the ledger: once an hour, in one process for all."""

import time
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

from swrhook import logs
from swrhook.clock import Clock
from swrhook.config.model import ConfigSource
from swrhook.ledger import retention
from swrhook.ledger.auto_sync_overlaps import prune_overlaps
from swrhook.ledger.database import Database
from swrhook.ledger.delivery_bodies import prune_other_bodies
from swrhook.ledger.leases import PeriodicLease
from swrhook.ledger.notifications import prune_notifications
from swrhook.metrics import Metrics
from swrhook.periodic import PeriodicThread

INTERVAL = timedelta(hours=1)
# Seconds between two checks whether a run is due: another process may have made it.
POLL_INTERVAL = 60.0
# After each step the thread pauses for this many times as long as the step took, so that it never
# takes more than a fifth of the ledger's time.
PAUSE_FACTOR = 4
_MIN_PAUSE = 0.01  # seconds
_KEEP_OVERLAPS = timedelta(days=30)


@dataclass(eq=False)
class Retention(PeriodicThread):
    """The thread that makes the runs that are due.

    It stops after the step in progress; the next run does the rest.
    """

    database: Database
    config: ConfigSource
    clock: Clock
    metrics: Metrics
    interval: float = POLL_INTERVAL

    def __post_init__(self) -> None:
        def count_failure() -> None:
            self.metrics.retention_runs.labels("failed").inc()

        super().__init__("retention", self.run_if_due, self.interval, on_error=count_failure)
        self._lease = PeriodicLease(self.database, "retention", self.clock)

    def run_if_due(self) -> Counter[str] | None:
        """Make a run if one is due; return the number of deleted rows by table, else None."""
        if not self._lease.begin(INTERVAL):
            return None
        began = time.monotonic()
        deleted = self._delete()
        took_ms = round(1000 * (time.monotonic() - began))
        outcome = "stopped" if self.stopping.is_set() else "done"
        logs.event(f"retention.{outcome}", took_ms=took_ms, **deleted)
        self.metrics.retention_runs.labels(outcome).inc()
        return deleted

    def _delete(self) -> Counter[str]:
        """Delete in small steps until no row is old enough, or the thread has to stop."""
        now, options = self.clock.now(), self.config.current().options
        ages = {
            retention.prune_deliveries: options.keep_deliveries,
            prune_other_bodies: options.retention.other_bodies,
            retention.prune_syncs: options.keep_syncs,
            retention.prune_calls: options.keep_syncs,
            retention.prune_audit: options.keep_syncs,
            retention.prune_repairs: options.keep_syncs,
            retention.prune_observations: options.keep_syncs,
            prune_overlaps: _KEEP_OVERLAPS,
            prune_notifications: options.keep_deliveries,
        }
        deleted: Counter[str] = Counter()
        for prune, age in ages.items():
            after: str | None = retention.FIRST
            while after is not None and not self.stopping.is_set():
                began = time.monotonic()
                step = prune(self._lease, now - age, after)
                after = step.after
                for table, rows in step.deleted.items():
                    self.metrics.pruned_rows.labels(table).inc(rows)
                deleted.update(step.deleted)
                pause = PAUSE_FACTOR * (time.monotonic() - began)
                self.stopping.wait(max(pause, _MIN_PAUSE))
        return deleted
