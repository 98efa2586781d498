"""GET /api/v1/audit: who changed what, when."""

from typing import Any

from swrhook.ledger.audit import ListedAudit, list_writes
from swrhook.ledger.queries.views import Page
from swrhook.web.api.queries import AuditQuery, audit_filter
from swrhook.web.api.routing import blueprint, get
from swrhook.web.api.schemas import AuditPageSchema
from swrhook.web.context import WebContext


def audit_routes(web: WebContext) -> Any:  # noqa: ANN401  # as routing
    """Return the route."""
    routes = blueprint("audit", "Every write over the API.")

    @get(routes, "/audit", AuditPageSchema, AuditQuery)
    def list_all(query: dict[str, Any]) -> Page[ListedAudit]:
        """List writes, newest first; for the role admin."""
        with web.database.read() as connection:
            return list_writes(connection, audit_filter(query, web.clock.now()))

    return routes
