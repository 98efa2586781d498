"""The outcome of a delivery or a sync: one log line for each, and a sync's count."""

from collections.abc import Iterable
from datetime import datetime

from swrhook import logs
from swrhook.ledger.deliveries import Recording
from swrhook.metrics import Metrics
from swrhook.model import END_STATES, Receipt, State, Sync
from swrhook.syncs.decisions import Decision
from swrhook.syncs.states import Event

# Events that put a sync back because something failed: worth a line, unlike a look that waits.
_RETRIES = frozenset({Event.PUT_BACK, Event.POSTPONE, Event.CALL_AGAIN})
_NEEDS_A_LOOK = frozenset({State.DIVERGED, State.MISSING, State.REJECTED, State.EXHAUSTED})


class OutcomeLog:
    """Writes and counts what became of syncs."""

    def __init__(self, metrics: Metrics) -> None:
        """Count in these metrics."""
        self._metrics = metrics

    def sync(self, sync: Sync, state: State, verdict: Decision, now: datetime) -> None:
        """Report a verdict that was applied to a sync: an end, a try that failed, a first call."""
        if state in END_STATES:
            self._write(sync, state.value, verdict, now)
        elif verdict.event in _RETRIES:
            self._write(sync, "retry", verdict, now)
        elif verdict.event is Event.TRIGGER and sync.verifying_since is None:
            self._metrics.triggered(sync, (now - sync.created_at).total_seconds())

    def deliveries(self, recording: Recording, now: datetime) -> None:
        """Report deliveries that were recorded, and syncs that a later push of a tag has ended."""
        with logs.buffer_lines():
            for receipt in recording.receipts:
                _write_receipt(receipt)
            self._superseded(recording.superseded, now)

    def _superseded(self, syncs: Iterable[Sync], now: datetime) -> None:
        verdict = Decision(Event.SUPERSEDE)
        for sync in syncs:
            self._write(sync, State.SUPERSEDED.value, verdict, now)

    def _write(self, sync: Sync, what: str, verdict: Decision, now: datetime) -> None:
        took = now - sync.created_at
        self._metrics.sync_outcome(sync, what, took.total_seconds())
        write = logs.warning if what in _NEEDS_A_LOOK else logs.event
        write(
            f"sync.{what}",
            sync=sync.id,
            delivery=sync.delivery,
            sender=sync.sender,
            image=sync.image,
            digest=verdict.values.get("called_digest", sync.called_digest) or sync.digest,
            source_region=sync.lane.source_region,
            target_region=sync.lane.target.region,
            target_namespace=sync.lane.target.namespace,
            attempts=sync.attempts,
            code=None if verdict.error is None else verdict.error.code,
            reason=verdict.reason,
            took_ms=round(took.total_seconds() * 1000),
        )


def _write_receipt(receipt: Receipt) -> None:
    logs.event(
        f"delivery.{receipt.outcome}",
        delivery=receipt.delivery,
        sender=receipt.sender,
        reason=receipt.reason,
        syncs=len(receipt.syncs),
    )
