"""Makes large deliveries and expands them, for the tests of both."""

from collections.abc import Sequence
from typing import Any

from swrhook.ledger.database import Database
from swrhook.ledger.expansion import RecordedPortion, due_expansions, expand_portion
from swrhook.ledger.portions import LARGE, pack
from swrhook.model import DeliveryEntry, Push
from tests.factories import MINUTE, NOW, A, entry, push

MANY = LARGE + 101
LATER = NOW + MINUTE


def tags(number: int = MANY, digest: str | None = A, event_id: str | None = None) -> list[Push]:
    return [push(f"v{n}", digest, event_id) for n in range(number)]


def large(*pushes: Push, **changes: Any) -> DeliveryEntry:
    return pack(entry(*pushes, **changes))


def expand(database: Database, portions: int = MANY) -> list[RecordedPortion]:
    """Record portions of what is due, at most so many, one after another."""
    recorded = []
    for _ in range(portions):
        with database.write() as connection:
            due = due_expansions(connection, LATER)
            portion = expand_portion(connection, due[0], LATER) if due else None
        if portion is None:
            break
        recorded.append(portion)
    return recorded


def superseded(portions: Sequence[RecordedPortion]) -> list[str]:
    return [sync.id for portion in portions for sync in portion.recording.superseded]
