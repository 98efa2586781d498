"""Answers that are kept, so that a repeated request has one effect: Idempotency-Key."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update

from swrhook.ledger.database import Database
from swrhook.ledger.recorder import transaction
from swrhook.ledger.sql import upsert
from swrhook.ledger.tables import answers

KEPT_FOR = timedelta(hours=24)
# A request that has no answer after this long was lost with its process.
LOST_AFTER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class IdempotentRequest:
    """A request as its key names it; `fingerprint` is what makes two of them the same."""

    key: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """What is known of the request with a key; no status: it is being carried out."""

    fingerprint: str
    status: int | None
    content_type: str | None
    body: bytes | None


def reserve(database: Database, request: IdempotentRequest, now: datetime) -> StoredResponse | None:
    """Take the key for this request; return what another one made of it, if one has it.

    Raises CannotRecord.
    """
    old = answers.c.started_at < now - KEPT_FOR
    lost = answers.c.status.is_(None) & (answers.c.started_at < now - LOST_AFTER)
    row = {"key": request.key, "fingerprint": request.fingerprint, "started_at": now}
    columns = (answers.c.fingerprint, answers.c.status, answers.c.content_type, answers.c.body)
    with transaction(database) as connection:
        connection.execute(delete(answers).where(old))
        connection.execute(delete(answers).where(answers.c.key == request.key, lost))
        take = upsert(connection, answers).values(row).on_conflict_do_nothing()
        if connection.execute(take.returning(answers.c.key)).first() is not None:
            return None
        found = select(*columns).where(answers.c.key == request.key)
        return StoredResponse(*connection.execute(found).one())


def store(database: Database, key: str, status: int, content: tuple[str, bytes]) -> None:
    """Keep the answer, type and body, of the request that took the key. Raises CannotRecord."""
    values = {"status": status, "content_type": content[0], "body": content[1]}
    with transaction(database) as connection:
        connection.execute(update(answers).where(answers.c.key == key).values(**values))


def release(database: Database, key: str) -> None:
    """Let the next request with the key try again: this one has failed. Raises CannotRecord."""
    with transaction(database) as connection:
        connection.execute(delete(answers).where(answers.c.key == key))
