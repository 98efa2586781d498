"""Who changed what, when: one row for every write over the API."""

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
    """A write: the token's name and role, what was wanted of which object, the answer's status."""

    token: str
    role: str
    action: str
    object: str | None
    status: int


@dataclass(frozen=True, slots=True)
class ListedAudit:
    """A write as it was noted."""

    id: str
    at: datetime
    token: str
    role: str
    action: str
    object: str | None
    status: int


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which writes; None leaves that open. `cursor` is the last id seen."""

    token: str | None = None
    action: str | None = None
    object: str | None = None
    since: datetime | None = None
    limit: int = USUAL_LIMIT
    cursor: str | None = None


def record_write(database: Database, write: AuditEntry, at: datetime) -> None:
    """Note a write. Raises CannotRecord."""
    with transaction(database) as connection:
        connection.execute(insert(audit), {"id": new_id(), "at": at, **asdict(write)})


def list_writes(connection: Connection, wanted: AuditFilter) -> Page[ListedAudit]:
    """Return a page of the writes that match, newest first."""
    conditions = [*newer_than(audit, audit.c.at, wanted.since, wanted.cursor), *_conditions(wanted)]
    walk = [] if wanted.object is None else [audit.c.object == wanted.object]
    ids = newest_ids(connection, audit, [walk], conditions, wanted.limit + 1)
    query = select(audit).where(audit.c.id.in_(ids[: wanted.limit])).order_by(audit.c.id.desc())
    found = [ListedAudit(**row) for row in connection.execute(query).mappings()]
    return to_page(found, has_more=len(ids) > wanted.limit)


def _conditions(wanted: AuditFilter) -> Iterable[Condition]:
    if wanted.token is not None:
        yield in_values(audit.c.token, [wanted.token])
    if wanted.action is not None:
        yield in_values(audit.c.action, [wanted.action])
