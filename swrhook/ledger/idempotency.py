"""Idempotency-Key: store the response of a request, so that repeating it has no second effect."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update

from swrhook.ledger.database import Database, transaction
from swrhook.ledger.rows import field_columns
from swrhook.ledger.service_tables import idempotency_keys as table
from swrhook.ledger.sql import upsert

RETENTION = timedelta(hours=24)
# A request without a response after this long was lost with its process.
LOST_AFTER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    """A request with a key; two requests are the same if their fingerprints are equal."""

    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """The response to the request with a key; `status` is None while the request is running."""

    fingerprint: str
    status: int | None
    content_type: str | None
    body: bytes | None


def reserve(database: Database, request: IdempotentRequest, now: datetime) -> StoredResponse | None:
    """Reserve the key and return None; if it is in use already, return what is stored for it.

    Raises CannotRecord.
    """
    is_expired = table.c.started_at < now - RETENTION
    # One that began further in the future did so by a clock that was wrong.
    is_recent = table.c.started_at.between(now - LOST_AFTER, now + LOST_AFTER)
    is_lost = table.c.status.is_(None) & ~is_recent
    row = {"key": request.key, "fingerprint": request.fingerprint, "started_at": now}
    with transaction(database) as connection:
        connection.execute(delete(table).where(is_expired))
        connection.execute(delete(table).where(table.c.key == request.key, is_lost))
        # The insert decides the race: of two requests with one key, one gets the row back.
        insert = upsert(connection, table).values(row).on_conflict_do_nothing()
        if connection.execute(insert.returning(table.c.key)).first() is not None:
            return None
        query = select(*field_columns(table, StoredResponse)).where(table.c.key == request.key)
        return StoredResponse(*connection.execute(query).one())


def store(database: Database, key: str, status: int, content: tuple[str, bytes]) -> None:
    """Store the response (its `content` is type and body). Raises CannotRecord."""
    values = {"status": status, "content_type": content[0], "body": content[1]}
    with transaction(database) as connection:
        connection.execute(update(table).where(table.c.key == key).values(**values))


def release(database: Database, key: str) -> None:
    """Delete the key of a failed request, so that it can be repeated. Raises CannotRecord."""
    with transaction(database) as connection:
        connection.execute(delete(table).where(table.c.key == key))
