"""What the ledger's writers need from the packages above it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection

from swrhook.ledger.deliveries import Recording
from swrhook.model import Lane, State, Sync
from swrhook.syncs.decisions import Decision


class LaneScheduler(Protocol):
    """Runs lanes: the engine."""

    def wake(self, lanes: Sequence[Lane], at: datetime, connection: Connection) -> None:
        """Run the lanes at a time, provided that the connection's transaction commits."""
        ...


class OutcomeListener(Protocol):
    """Reports outcomes after their transaction has committed."""

    def sync(self, sync: Sync, state: State, decision: Decision, now: datetime) -> None:
        """Report a decision that was applied: the sync before it, and its new state."""
        ...

    def deliveries(self, recording: Recording, now: datetime) -> None:
        """Report recorded deliveries and the syncs that they superseded."""
        ...
