"""Concurrent requests share one commit: the disk's flush is the dear part of an answer."""

import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from enum import Enum, auto

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from swrhook.errors import CannotRecord
from swrhook.ledger.database import Database
from swrhook.ledger.keeping import probe
from swrhook.ledger.postgresql import is_away
from swrhook.ledger.recording import Recording, record
from swrhook.ledger.room import FLOOR, Room
from swrhook.model import Entry, Lane, Receipt

# Deliveries in one commit, and deliveries that may wait for one: beyond that senders try again.
MOST_IN_BATCH = 256
MOST_WAITING = 2048
# A sender gives up after seconds; a request must not wait for ever for a stuck disk.
PATIENCE = 10.0
# A delivery of very many syncs takes longer; writing one takes a fraction of this.
PER_SYNC = 0.002
# While the ledger cannot be written, a write is tried this often, in seconds.
BETWEEN_PROBES = 1.0


class _Sign(Enum):
    """What stands in the queue besides deliveries."""

    STOP = auto()
    PROBE = auto()


_Waiting = tuple[Entry, "Future[Receipt]"]


class Recorder:
    """One thread that writes what request threads hand in, a batch at a time.

    `wake` is called inside the transaction with the lanes to run now; `recorded` after it, for
    what follows from a commit in this process.
    """

    def __init__(
        self,
        database: Database,
        wake: Callable[[Sequence[Lane], Connection], None],
        recorded: Callable[[Recording], None],
        *,
        patience: float = PATIENCE,
        floor: int = FLOOR,
    ) -> None:
        """Start the thread. Less than `floor` bytes free beside the ledger's file: refused."""
        self._database = database
        self._wake = wake
        self._recorded = recorded
        self._patience = patience
        self._room = None if database.folder is None else Room(database.folder, floor)
        self._trouble: str | None = None  # of the last batch
        self._probed = 0.0
        self._waiting: queue.Queue[_Waiting | _Sign] = queue.Queue(MOST_WAITING)
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def record(self, entry: Entry) -> Receipt:
        """Return once the entry is on disk. Raises CannotRecord: nothing was promised."""
        if (lack := self._lack()) is not None:
            raise CannotRecord(lack)
        future: Future[Receipt] = Future()
        try:
            self._waiting.put_nowait((entry, future))
            return future.result(self._patience + PER_SYNC * len(entry.planned))
        except queue.Full:
            raise CannotRecord("too many deliveries wait for the disk") from None
        except FutureTimeoutError:
            # It may still be written: then the sender's next try is a duplicate, or harmless.
            raise CannotRecord("the ledger did not answer in time") from None

    def check(self) -> str | None:
        """Return why nothing can be recorded at the moment, or None."""
        if not self._thread.is_alive():
            return "the recorder has ended"
        if self._trouble is not None and time.monotonic() - self._probed > BETWEEN_PROBES:
            # A load balancer may send nothing more: only a write of our own can tell. It is left
            # to the thread, for it may hang as long as a disk does.
            self._probed = time.monotonic()
            with suppress(queue.Full):
                self._waiting.put_nowait(_Sign.PROBE)
        return self._trouble or self._lack()

    def close(self) -> None:
        """Write what waits, then end the thread."""
        self._waiting.put(_Sign.STOP)
        self._thread.join()

    def _lack(self) -> str | None:
        """Return why the disk has no room for more, or None."""
        return None if self._room is None else self._room.lack()

    def _run(self) -> None:
        sign = None
        while sign is not _Sign.STOP:
            batch, sign = self._next()
            if batch:
                self._write(batch)
            elif sign is _Sign.PROBE:
                self._probe()

    def _next(self) -> tuple[list[_Waiting], _Sign | None]:
        """Wait for deliveries; return those that wait already, up to the next sign."""
        batch: list[_Waiting] = []
        waiting = self._waiting.get()
        while not isinstance(waiting, _Sign):
            batch.append(waiting)
            if len(batch) == MOST_IN_BATCH or self._waiting.empty():
                return batch, None
            waiting = self._waiting.get()
        return batch, waiting

    def _probe(self) -> None:
        try:
            with self._database.write() as connection:
                probe(connection, datetime.now(UTC))
        except (SQLAlchemyError, OSError) as exc:
            self._trouble = str(cannot_record(exc))
        else:
            self._trouble = None

    def _write(self, batch: Sequence[_Waiting]) -> None:
        try:
            with self._database.write() as connection:
                recording = record(connection, [entry for entry, _ in batch])
                self._wake(recording.lanes, connection)
        except Exception as exc:  # noqa: BLE001  # the thread must outlive whatever fails
            if len(batch) > 1 and not is_away(exc):  # one entry must not spoil its siblings
                for waiting in batch:
                    self._write([waiting])
            else:
                refusal = cannot_record(exc)
                self._trouble = str(refusal)
                for _, future in batch:
                    future.set_exception(refusal)
            return
        self._trouble = None
        for (_, future), receipt in zip(batch, recording.receipts, strict=True):
            future.set_result(receipt)
        with suppress(Exception):  # it is on disk: what follows must not end the thread
            self._recorded(recording)


@contextmanager
def written(database: Database) -> Iterator[Connection]:
    """Yield a connection in a transaction of one's own. Raises CannotRecord."""
    try:
        with database.write() as connection:
            yield connection
    except (SQLAlchemyError, OSError) as exc:
        raise cannot_record(exc) from exc


def cannot_record(exc: Exception) -> CannotRecord:
    """Return the refusal that an error of the database means."""
    reason = str(getattr(exc, "orig", None) or exc).splitlines() or [repr(exc)]
    refusal = CannotRecord(f"the ledger cannot be written: {reason[0]}")
    refusal.__cause__ = exc
    return refusal
