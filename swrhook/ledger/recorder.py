"""Record deliveries for many request threads: one commit for all that wait, and clear refusals."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain

from swrhook.clock import Clock
from swrhook.errors import CannotRecord
from swrhook.ledger.commit_queue import CommitQueue, QueueClosed, QueueFull, QueueLimits
from swrhook.ledger.database import Database, as_cannot_record, transaction
from swrhook.ledger.deliveries import Recording, record
from swrhook.ledger.failures import is_unavailable
from swrhook.ledger.kept_state import probe
from swrhook.ledger.portions import is_large, pack
from swrhook.ledger.ports import LaneScheduler, OutcomeListener
from swrhook.ledger.sqlite import FLOOR, DiskSpace
from swrhook.model import DeliveryEntry, Receipt
from swrhook.wording.message import say

_Result = Receipt | CannotRecord

# Beyond these limits a delivery is refused, and its sender tries again.
LIMITS = QueueLimits(
    batch_items=256, batch_cost=1000, waiting_items=2048, waiting_bytes=64 * 1024 * 1024
)
# Seconds that a request waits for its commit: senders give up after some seconds, too.
PATIENCE = 10.0
# While the ledger cannot be written, it is probed this often, in seconds.
BETWEEN_PROBES = 1.0


class Recorder:
    """Records deliveries: group commit, and checks that the ledger can be written.

    In the transaction, `scheduler` gets the lanes to run now; after it, `outcomes` gets what was
    recorded. On PostgreSQL `clock` sets `received_at`, because the times of the syncs derive from
    it and must be the same clock for all processes.
    """

    def __init__(
        self,
        database: Database,
        scheduler: LaneScheduler,
        outcomes: OutcomeListener,
        clock: Clock,
        *,
        patience: float = PATIENCE,
        floor: int = FLOOR,
    ) -> None:
        """Refuse deliveries when the ledger's disk has less than `floor` bytes free."""
        self._database = database
        self._scheduler = scheduler
        self._outcomes = outcomes
        self._clock = clock
        self._patience = patience
        folder = database.folder
        self._disk_space = None if folder is None else DiskSpace(folder, floor)
        self._last_error: str | None = None  # of the last batch or probe
        self._probed_at = 0.0
        self._probe_thread = threading.Thread()
        self._queue = CommitQueue[DeliveryEntry, _Result](self, LIMITS)

    @property
    def waiting(self) -> int:
        """Return how many deliveries wait to be committed."""
        return self._queue.waiting

    def record(self, entry: DeliveryEntry) -> Receipt:
        """Return once the entry is on disk. Raises CannotRecord: the sender must try again."""
        if (shortage := self._shortage()) is not None:
            raise CannotRecord(shortage)
        if not self._database.is_sqlite:
            entry = replace(entry, received_at=self._clock.now())
        if is_large(entry):  # in this thread, so that no other one waits for it
            entry = pack(entry)
        size, cost = _weigh(entry)
        try:
            result = self._queue.submit(entry, size, self._patience, cost=cost)
        except QueueClosed:
            raise CannotRecord("the service is stopping") from None
        except QueueFull:
            raise CannotRecord("too many deliveries wait for the disk") from None
        if isinstance(result, Receipt):
            return result
        # After a timeout the entry may still be committed. The sender tries again then, and gets a
        # duplicate; or new syncs, which is harmless.
        raise result or CannotRecord("the ledger did not answer in time")

    def check(self) -> str | None:
        """Return why nothing can be recorded at the moment, or None."""
        if self._last_error is not None and time.monotonic() - self._probed_at > BETWEEN_PROBES:
            # A load balancer sends nothing to a process that is not ready, so only a write of our
            # own finds out that the ledger recovered. It may hang as long as the disk does, which
            # a readiness check must not.
            self._probed_at = time.monotonic()
            if not self._probe_thread.is_alive():
                self._probe_thread = threading.Thread(target=self._probe, name="probe", daemon=True)
                self._probe_thread.start()
        stopping = say("the service is stopping") if self._queue.is_closed else None
        problem = stopping or self._database.problem() or self._last_error
        return problem or self._delay() or self._shortage()

    def close(self) -> None:
        """Refuse new deliveries, and commit those that wait, within the patience of a request."""
        self._queue.close(self._patience)

    def commit(self, entries: Sequence[DeliveryEntry]) -> "_RecordedBatch":
        """Commit the entries, or those of them that can be written. Called by the queue."""
        return _RecordedBatch(*self._write(entries), self._outcomes, self._clock)

    def _write(self, entries: Sequence[DeliveryEntry]) -> tuple[list[_Result], list[Recording]]:
        """Return a result for each entry, and what was recorded."""
        try:
            with self._database.write() as connection:
                recording = record(connection, entries, time.monotonic())
                if recording.lanes:
                    self._scheduler.wake(connection)
        except Exception as exc:  # noqa: BLE001  # every waiting request needs a result
            if len(entries) > 1 and not is_unavailable(exc):
                # One by one, so that an entry which cannot be written does not fail the others.
                results, recordings = zip(*(self._write([entry]) for entry in entries), strict=True)
                return [*chain(*results)], [*chain(*recordings)]
            error = as_cannot_record(exc)
            self._last_error = str(error)
            return [error] * len(entries), []
        self._last_error = None
        return [*recording.receipts], [recording]

    def _delay(self) -> str | None:
        """Return that a commit takes longer than a request waits for it, or None."""
        seconds = self._queue.busy_for
        if seconds <= self._patience:
            return None
        return say(
            "a commit of the ledger has been going on for %(count)s seconds", count=round(seconds)
        )

    def _shortage(self) -> str | None:
        """Return why the disk has no room for more, or None."""
        return None if self._disk_space is None else self._disk_space.shortage()

    def _probe(self) -> None:
        """Write to the ledger, and note whether that works."""
        try:
            with transaction(self._database) as connection:
                probe(connection, datetime.now(UTC))
            self._last_error = None
        except CannotRecord as exc:
            self._last_error = str(exc)


def _weigh(entry: DeliveryEntry) -> tuple[int, int]:
    """Return the bytes of an entry, and its cost in a batch: a large one is the last in it."""
    body = len(entry.body or b"")
    if entry.packed is not None:
        return body + sum(map(len, entry.packed.portions)), LIMITS.batch_cost
    return body, len(entry.pushes) + len(entry.planned)


@dataclass(frozen=True, slots=True)
class _RecordedBatch:
    """A result for each entry of a batch, and the recordings to report."""

    results: Sequence[_Result]
    recordings: Sequence[Recording]
    outcomes: OutcomeListener
    clock: Clock

    def publish(self) -> None:
        """Report the recordings."""
        for recording in self.recordings:
            self.outcomes.deliveries(recording, self.clock.now())
