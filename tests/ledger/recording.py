"""Records deliveries at the same time."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from swrhook.errors import CannotRecord
from swrhook.ledger.recorder import Recorder
from swrhook.model import DeliveryEntry, Receipt
from tests.factories import FakeClock

CLOCK = FakeClock()


def record_at_once(
    recorder: Recorder, entries: Sequence[DeliveryEntry]
) -> list[Receipt | CannotRecord]:
    """Record every entry from a thread of its own."""

    def answer(each: DeliveryEntry) -> Receipt | CannotRecord:
        try:
            return recorder.record(each)
        except CannotRecord as exc:
            return exc

    with ThreadPoolExecutor(len(entries)) as threads:
        return list(threads.map(answer, entries))
