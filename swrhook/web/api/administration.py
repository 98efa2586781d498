"""/api/v1/audit and /api/v1/drain: list the audit log, and prepare a process for its end."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from swrhook.ledger.audit import AuditFilter, ListedAudit, list_writes
from swrhook.ledger.queries.views import Page
from swrhook.web.api.queries import AuditQuery, to_filter
from swrhook.web.api.routing import Routes
from swrhook.web.api.schema_base import schema_of
from swrhook.web.api.schemas import AuditPageSchema
from swrhook.web.context import WebContext


def audit_routes(web: WebContext) -> Routes:
    """Return the route of the audit log."""
    routes = Routes("audit", "The audit log: every write with a valid token.")

    @routes.get("/audit", AuditPageSchema, AuditQuery)
    def list_all(query: dict[str, Any]) -> Page[ListedAudit]:
        """List the writes in the audit log, newest first. Needs the role admin."""
        with web.database.read() as connection:
            return list_writes(connection, to_filter(AuditFilter, query, web.clock.now()))

    return routes


@dataclass(frozen=True, slots=True)
class _Drain:
    """Whether this process is draining, and since when."""

    draining: bool
    since: datetime | None


DrainSchema = schema_of(_Drain, "Drain")


def drain_routes(web: WebContext) -> Routes:
    """Return the routes that drain the process that answers."""
    routes = Routes("drain", "Prepare one process for its end.")

    @routes.get("/drain", DrainSchema)
    def show() -> _Drain:
        """Show whether the process that answers is draining."""
        return _Drain(web.draining.since is not None, web.draining.since)

    @routes.post("/drain", DrainSchema)
    def begin() -> _Drain:
        """Start draining the process that answers: it becomes unready, but keeps working."""
        web.draining.begin(web.clock.now())
        return show()

    return routes
