"""Logs and counts the outcome of every delivery and sync, in one line each."""

from datetime import datetime

from swrhook import logs
from swrhook.ledger.deliveries import Recording
from swrhook.metrics import Metrics
from swrhook.model import END_STATES, State, Sync
from swrhook.service.traces import Traces
from swrhook.syncs.decisions import Decision
from swrhook.syncs.states import Event

# Events after a failure. They are logged, unlike a sync that only waits or is polled.
_RETRIES = frozenset({Event.REQUEUE, Event.POSTPONE, Event.CALL_AGAIN})
_NEEDS_ATTENTION = frozenset({State.DIVERGED, State.MISSING, State.REJECTED, State.EXHAUSTED})


class OutcomeLog:
    """Logs and counts outcomes; the OutcomeListener of recorder and worker."""

    def __init__(self, metrics: Metrics, traces: Traces | None = None) -> None:
        """Count outcomes in these metrics, and make spans of them."""
        self._metrics = metrics
        self._traces = traces

    def sync(self, sync: Sync, state: State, decision: Decision, now: datetime) -> None:
        """Report an applied decision if it ended the sync, retries it, or was its first call."""
        if state in END_STATES:
            self._write(sync, state, decision, now)
            if self._traces is not None:
                self._traces.sync(sync, state, decision, now)
        elif decision.event in _RETRIES:
            self._write(sync, "retry", decision, now)
        elif decision.event is Event.TRIGGER and sync.verifying_since is None:
            age = (now - sync.created_at).total_seconds()
            self._metrics.push_to_triggered.labels(sync.lane.target.region).observe(age)

    def deliveries(self, recording: Recording, now: datetime) -> None:
        """Report recorded deliveries, and the syncs that their pushes superseded."""
        with logs.buffer_lines():
            for receipt in recording.receipts:
                logs.event(
                    f"delivery.{receipt.outcome}",
                    delivery=receipt.delivery,
                    sender=receipt.sender,
                    reason=receipt.reason,
                    syncs=receipt.syncs_total or len(receipt.syncs),
                )
            for sync in recording.superseded:
                self._write(sync, State.SUPERSEDED, Decision(Event.SUPERSEDE), now)
        if self._traces is not None:
            self._traces.deliveries(recording, now)
            for sync in recording.superseded:
                self._traces.sync(sync, State.SUPERSEDED, Decision(Event.SUPERSEDE), now)

    def _write(self, sync: Sync, outcome: str, decision: Decision, now: datetime) -> None:
        age, region = (now - sync.created_at).total_seconds(), sync.lane.target.region
        self._metrics.syncs.labels(region, outcome).inc()
        if outcome == State.VERIFIED:
            self._metrics.push_to_verified.labels(region).observe(age)
        write = logs.warning if outcome in _NEEDS_ATTENTION else logs.event
        write(
            f"sync.{outcome}",
            sync=sync.id,
            delivery=sync.delivery,
            sender=sync.sender,
            image=sync.image,
            digest=decision.values.get("called_digest", sync.called_digest) or sync.digest,
            source_region=sync.lane.source_region,
            target_region=region,
            target_namespace=sync.lane.target.namespace,
            attempts=sync.attempts,
            code=None if decision.error is None else decision.error.code,
            reason=decision.reason,
            took_ms=round(age * 1000),
        )
