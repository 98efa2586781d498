"""Deletes what the ledger has held for long enough: once an hour, by one process for all."""

import time
from collections import Counter
from datetime import timedelta

from swrhook import logs
from swrhook.clock import Clock
from swrhook.config.model import ConfigSource
from swrhook.ledger.database import Database
from swrhook.ledger.leases import PeriodicLease
from swrhook.ledger.pruning import (
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

EVERY = timedelta(hours=1)
# Seconds between two looks whether a pass is due: another process may have made it.
BETWEEN_LOOKS = 60.0
# After a step the ledger is left to the others for so many times as long as it took.
REST = 4
_SHORTEST_REST = 0.01


class Retention:
    """A thread that makes the passes that are due."""

    def __init__(
        self,
        database: Database,
        config: ConfigSource,
        clock: Clock,
        metrics: Metrics,
        *,
        between: float = BETWEEN_LOOKS,
    ) -> None:
        """Take the parts; `start` begins."""
        self._pass = PeriodicLease(database, "retention", clock)
        self._config = config
        self._metrics = metrics
        self._thread = PeriodicThread(
            "retention", self.run_if_due, between, on_error=self._count_failure
        )

    def start(self) -> None:
        """Look now, and then again and again."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread after the step that it is in; the next pass does the rest."""
        self._thread.stop()

    def run_if_due(self) -> Counter[str] | None:
        """Make a pass if one is due; return the rows deleted by table, None when none was due."""
        if not self._pass.begin(EVERY):
            return None
        began = time.monotonic()
        deleted = self._delete()
        took_ms = round(1000 * (time.monotonic() - began))
        ended = "stopped" if self._thread.stopping.is_set() else "done"
        logs.event(f"retention.{ended}", took_ms=took_ms, **deleted)
        self._metrics.retention_run(ended)
        return deleted

    def _delete(self) -> Counter[str]:
        """Delete step by step until nothing is old enough, or the thread is to end."""
        now, options = self._pass.clock.now(), self._config.current().options
        kept_for = {
            prune_deliveries: options.keep_deliveries,
            prune_syncs: options.keep_syncs,
            prune_calls: options.keep_syncs,
            prune_audit: options.keep_syncs,
            prune_repairs: options.keep_syncs,
        }
        deleted: Counter[str] = Counter()
        for prune, age in kept_for.items():
            after: str | None = FIRST
            while after is not None and not self._thread.stopping.is_set():
                began = time.monotonic()
                step = prune(self._pass, now - age, after)
                after = step.after
                self._count(step)
                deleted.update(step.deleted)
                rest = REST * (time.monotonic() - began)
                self._thread.stopping.wait(max(rest, _SHORTEST_REST))
        return deleted

    def _count(self, step: Step) -> None:
        for table, rows in step.deleted.items():
            self._metrics.pruned(table, rows)

    def _count_failure(self) -> None:
        self._metrics.retention_run("failed")
