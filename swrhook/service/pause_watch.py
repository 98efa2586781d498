"""Knows which pauses last, for /readyz and the metrics, which do not wait for the ledger."""

from collections import Counter
from collections.abc import Sequence

from swrhook.ledger.database import Database
from swrhook.ledger.optional_read import read_or_none
from swrhook.ledger.pauses import list_pauses
from swrhook.periodic import PeriodicThread
from swrhook.syncs.pauses import Pause

POLL_INTERVAL = 5.0  # seconds


class PauseWatch(PeriodicThread):
    """Reads the pauses at intervals."""

    def __init__(self, database: Database, *, interval: float = POLL_INTERVAL) -> None:
        super().__init__("pause_watch", self.poll, interval)
        self._database = database
        self._pauses: Sequence[Pause] | None = None

    def poll(self) -> None:
        """Read the pauses once."""
        self._pauses = read_or_none(self._database, list_pauses)

    def cached(self) -> Sequence[Pause] | None:
        """Return the pauses as they were seconds ago; None when the ledger could not be read."""
        return self._pauses

    def note(self) -> str | None:
        """Return how many regions, rules and senders are paused, or None."""
        if not self._pauses:
            return None
        counts = Counter(str(pause.kind) for pause in self._pauses)
        parts = [f"{count} {kind}{'' if count == 1 else 's'}" for kind, count in counts.items()]
        return f"paused: {', '.join(parts)}"
