"""What the ledger's writers need from the packages above it."""

from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection

from swrhook.ledger.deliveries import Recording
from swrhook.model import State, Sync
from swrhook.syncs.decisions import Decision


class LaneScheduler(Protocol):
    """Runs lanes: the engine."""

    def wake(self, connection: Connection) -> None:
        """Look for ready lanes once the connection's transaction has committed."""
        ...


class OutcomeListener(Protocol):
    """Reports outcomes after their transaction has committed."""

    def sync(self, sync: Sync, state: State, decision: Decision, now: datetime) -> None:
        """Report a decision that was applied: the sync before it, and its new state."""
        ...

    def deliveries(self, recording: Recording, now: datetime) -> None:
        """Report recorded deliveries and the syncs that they superseded."""
        ...
