"""The audit log: one row for every write over the API."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from swrhook.ledger.database import Database, transaction
from swrhook.ledger.queries.pagination import equals, newer_than, page_ids
from swrhook.ledger.queries.views import Page, PageFilter
from swrhook.ledger.service_tables import audit
from swrhook.ledger.types import new_id


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """A write: the token's name and role, the action on which object, the response's status."""

    token: str
    role: str
    action: str
    object: str | None
    status: int


@dataclass(frozen=True, slots=True)
class ListedAudit:
    """A recorded write."""

    id: str
    at: datetime
    token: str
    role: str
    action: str
    object: str | None
    status: int


@dataclass(frozen=True, slots=True)
class AuditFilter(PageFilter):
    """Which writes to list; None matches all."""

    token: str | None = None
    action: str | None = None
    object: str | None = None
    since: datetime | None = None


def record_writes(database: Database, writes: Sequence[AuditEntry], at: datetime) -> None:
    """Record writes. Raises CannotRecord."""
    rows = [{"id": new_id(), "at": at, **asdict(write)} for write in writes]
    with transaction(database) as connection:
        connection.execute(insert(audit), rows)


def list_writes(connection: Connection, filters: AuditFilter) -> Page[ListedAudit]:
    """Return a page of the matching writes, newest first."""
    conditions = [
        *newer_than(audit, audit.c.at, filters.since),
        *equals(audit.c.token, filters.token),
        *equals(audit.c.action, filters.action),
    ]
    walk = [] if filters.object is None else [audit.c.object == filters.object]
    ids, cursor = page_ids(connection, audit, filters, [walk], conditions)
    query = select(audit).where(audit.c.id.in_(ids)).order_by(audit.c.id.desc())
    return Page([ListedAudit(**row) for row in connection.execute(query).mappings()], cursor)
