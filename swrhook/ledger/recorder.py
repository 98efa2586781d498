"""Concurrent requests share one commit: the disk's flush is the dear part of an answer."""

import threading
import time
from _thread import LockType
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import pairwise

from sqlalchemy.exc import SQLAlchemyError

from swrhook.clock import Clock
from swrhook.errors import CannotRecord
from swrhook.ledger.database import Database, as_cannot_record
from swrhook.ledger.deliveries import Recording, record
from swrhook.ledger.kept_state import probe
from swrhook.ledger.ports import LaneScheduler, OutcomeListener
from swrhook.ledger.postgresql import is_away
from swrhook.ledger.sqlite import FLOOR, DiskSpace
from swrhook.model import DeliveryEntry, Receipt

# Deliveries in one commit, and deliveries that may wait for one: beyond that senders try again.
MOST_IN_BATCH = 256
MOST_WAITING = 2048
# Bytes of bodies that may wait; one is taken whatever its size, which has a limit of its own.
MOST_BYTES = 64 * 1024 * 1024
# A sender gives up after seconds; a request must not wait for ever for a stuck disk.
PATIENCE = 10.0
# A delivery of very many syncs takes longer; writing one takes a fraction of this.
PER_SYNC = 0.002
# While the ledger cannot be written, a write is tried this often, in seconds.
BETWEEN_PROBES = 1.0
_BETWEEN_GLANCES = 0.02


def _held() -> LockType:
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(slots=True, eq=False)
class _Waiting:
    """A request that waits: for its outcome, or to be the one that writes."""

    entry: DeliveryEntry
    told: LockType = field(default_factory=_held)  # let go when there is news
    outcome: Receipt | CannotRecord | None = None
    leads: bool = False
    is_gone: bool = False
    after: "_Waiting | None" = None  # who is told next, of the same batch


@dataclass(frozen=True, slots=True)
class _Written:
    """What came of a batch: an outcome for each entry, and what was recorded."""

    outcomes: Sequence[Receipt | CannotRecord]
    recordings: Sequence[Recording] = ()


class Recorder:
    """Writes what request threads hand in, a batch at a time.

    The first thread that finds nobody writing writes what waits, its own entry among it, and then
    lets one of those that came meanwhile do the same: a lone sender waits for no other thread.

    Inside the transaction `scheduler` is told which lanes to run now; `outcomes` is told afterwards
    what was recorded. On PostgreSQL `clock` dates the deliveries, since their syncs go by it.
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
        """Take the parts. Less than `floor` bytes free beside the ledger's file: refused."""
        self._database = database
        self._scheduler = scheduler
        self._outcomes = outcomes
        self._clock = clock
        self._patience = patience
        self._room = None if database.folder is None else DiskSpace(database.folder, floor)
        self._trouble: str | None = None  # of the last batch
        self._probed = 0.0
        self._lock = threading.Lock()  # of what follows
        self._waiting: list[_Waiting] = []
        self._bytes = 0  # of the bodies that wait
        self._is_led = False
        self._is_closed = False

    def record(self, entry: DeliveryEntry) -> Receipt:
        """Return once the entry is on disk. Raises CannotRecord: nothing was promised."""
        if (lack := self._lack()) is not None:
            raise CannotRecord(lack)
        if not self._database.is_sqlite:
            entry = replace(entry, received_at=self._clock.now())
        mine = _Waiting(entry)
        self._line_up(mine)
        if not mine.leads and not mine.told.acquire(
            timeout=self._patience + PER_SYNC * len(entry.planned)
        ):
            self._give_up(mine)
        if mine.leads:
            self._lead()
        self._tell_next(mine)
        if isinstance(mine.outcome, Receipt):
            return mine.outcome
        # Without an outcome it may still be written: then the next try is a duplicate, or harmless.
        raise mine.outcome or CannotRecord("the ledger did not answer in time")

    def check(self) -> str | None:
        """Return why nothing can be recorded at the moment, or None."""
        if self._trouble is not None and time.monotonic() - self._probed > BETWEEN_PROBES:
            # A load balancer may send nothing more: only a write of our own can tell. It has a
            # thread of its own, for it may hang as long as a disk does.
            self._probed = time.monotonic()
            with self._lock:
                may_probe, self._is_led = not self._is_led, True
            if may_probe:
                threading.Thread(target=self._probe, name="probe", daemon=True).start()
        stopping = "the service is stopping" if self._is_closed else None
        return stopping or self._trouble or self._lack()

    def close(self) -> None:
        """Take nothing more, and wait for what is being written, for as long as a sender would."""
        with self._lock:
            self._is_closed = True
        deadline = time.monotonic() + self._patience
        while self._is_led and time.monotonic() < deadline:
            time.sleep(_BETWEEN_GLANCES)

    def _lack(self) -> str | None:
        """Return why the disk has no room for more, or None."""
        return None if self._room is None else self._room.shortage()

    def _line_up(self, mine: _Waiting) -> None:
        """Wait with the others, or lead if nobody does. Raises CannotRecord: too many wait."""
        size = len(mine.entry.body or b"")
        with self._lock:
            if self._is_closed:
                raise CannotRecord("the service is stopping")
            is_full = len(self._waiting) >= MOST_WAITING or self._bytes + size > MOST_BYTES
            if self._waiting and is_full:
                raise CannotRecord("too many deliveries wait for the disk")
            self._waiting.append(mine)
            self._bytes += size
            mine.leads = not self._is_led
            self._is_led = True

    def _give_up(self, mine: _Waiting) -> None:
        """Wait no longer; what has not been begun will not be."""
        with self._lock:
            if mine.leads:
                return
            mine.is_gone = mine.outcome is None
            if mine in self._waiting:
                self._waiting.remove(mine)
                self._bytes -= len(mine.entry.body or b"")

    def _tell_next(self, told: _Waiting) -> None:
        """Let the next one of a batch know that it is done.

        One tells the next: all at once, they would only wait for each other to be let run.
        """
        with self._lock:
            following = told.after if told.outcome is not None else None
            while following is not None and following.is_gone:
                following = following.after
        if following is not None:
            following.told.release()

    def _lead(self) -> None:
        """Write what waits, then let another one lead."""
        with self._lock:
            batch = self._waiting[:MOST_IN_BATCH]
            del self._waiting[:MOST_IN_BATCH]
            self._bytes -= sum(len(waiting.entry.body or b"") for waiting in batch)
            for one, other in pairwise(batch):
                one.after = other
        try:
            written = self._write([waiting.entry for waiting in batch])
            with self._lock:
                for waiting, outcome in zip(batch, written.outcomes, strict=True):
                    waiting.outcome = outcome
        finally:
            self._follow()
        with suppress(Exception):  # it is on disk: what follows must not take that back
            for recording in written.recordings:
                self._outcomes.deliveries(recording, self._clock.now())

    def _follow(self) -> None:
        """Let the one that has waited longest lead from here."""
        with self._lock:
            self._is_led = bool(self._waiting)
            if self._waiting:
                self._waiting[0].leads = True
                self._waiting[0].told.release()

    def _probe(self) -> None:
        try:
            with self._database.write() as connection:
                probe(connection, datetime.now(UTC))
        except (SQLAlchemyError, OSError) as exc:
            self._trouble = str(as_cannot_record(exc))
        else:
            self._trouble = None
        finally:
            self._follow()

    def _write(self, entries: Sequence[DeliveryEntry]) -> _Written:
        """Write the entries, or those of them that can be written."""
        try:
            with self._database.write() as connection:
                recording = record(connection, entries)
                self._scheduler.wake(recording.lanes, self._clock.now(), connection)
        except Exception as exc:  # noqa: BLE001  # whatever fails, those that wait are to know
            if len(entries) > 1 and not is_away(exc):  # one entry must not spoil its siblings
                each = [self._write([entry]) for entry in entries]
                return _Written(
                    [outcome for one in each for outcome in one.outcomes],
                    [recording for one in each for recording in one.recordings],
                )
            refusal = as_cannot_record(exc)
            self._trouble = str(refusal)
            return _Written([refusal] * len(entries))
        self._trouble = None
        return _Written(recording.receipts, [recording])
