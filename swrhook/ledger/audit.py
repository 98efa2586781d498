"""The audit log: one row for every write over the API."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from swrhook.ledger.database import Database, transaction
from swrhook.ledger.queries.pagination import Condition, in_values, newer_than, newest_ids, to_page
from swrhook.ledger.queries.views import USUAL_LIMIT, Page
from swrhook.ledger.tables import audit
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
class AuditFilter:
    """Which writes to list; None matches all. `cursor` is the last id of the previous page."""

    token: str | None = None
    action: str | None = None
    object: str | None = None
    since: datetime | None = None
    limit: int = USUAL_LIMIT
    cursor: str | None = None


def record_write(database: Database, write: AuditEntry, at: datetime) -> None:
    """Record a write. Raises CannotRecord."""
    with transaction(database) as connection:
        connection.execute(insert(audit), {"id": new_id(), "at": at, **asdict(write)})


def list_writes(connection: Connection, filters: AuditFilter) -> Page[ListedAudit]:
    """Return a page of the matching writes, newest first."""
    conditions = [
        *newer_than(audit, audit.c.at, filters.since, filters.cursor),
        *_conditions(filters),
    ]
    walk = [] if filters.object is None else [audit.c.object == filters.object]
    ids = newest_ids(connection, audit, [walk], conditions, filters.limit + 1)
    query = select(audit).where(audit.c.id.in_(ids[: filters.limit])).order_by(audit.c.id.desc())
    writes = [ListedAudit(**row) for row in connection.execute(query).mappings()]
    return to_page(writes, has_more=len(ids) > filters.limit)


def _conditions(filters: AuditFilter) -> Iterable[Condition]:
    if filters.token is not None:
        yield in_values(audit.c.token, [filters.token])
    if filters.action is not None:
        yield in_values(audit.c.action, [filters.action])
