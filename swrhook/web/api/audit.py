"""GET /api/v1/audit: list the audit log."""

from typing import Any

from swrhook.ledger.audit import ListedAudit, list_writes
from swrhook.ledger.queries.views import Page
from swrhook.web.api.queries import AuditQuery, audit_filter
from swrhook.web.api.routing import blueprint, get
from swrhook.web.api.schemas import AuditPageSchema
from swrhook.web.context import WebContext


def audit_routes(web: WebContext) -> Any:  # noqa: ANN401  # as routing
    """Return the route."""
    routes = blueprint("audit", "The audit log: every write with a valid token.")

    @get(routes, "/audit", AuditPageSchema, AuditQuery)
    def list_all(query: dict[str, Any]) -> Page[ListedAudit]:
        """List the writes in the audit log, newest first. Needs the role admin."""
        with web.database.read() as connection:
            return list_writes(connection, audit_filter(query, web.clock.now()))

    return routes
