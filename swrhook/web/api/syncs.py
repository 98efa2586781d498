"""GET /api/v1/syncs: where every image tag is and, if it is not there, why."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from werkzeug.exceptions import NotFound

from swrhook.ledger.database import Database
from swrhook.ledger.listed import ListedSync, Page
from swrhook.ledger.listing import find_sync, list_syncs
from swrhook.web.api.queries import SyncQuery, sync_filter
from swrhook.web.api.routing import blueprint, get
from swrhook.web.api.schemas import SyncPageSchema, SyncSchema


def syncs(database: Database, clock: Callable[[], datetime]) -> Any:  # noqa: ANN401  # as routing
    """Return the routes."""
    routes = blueprint("syncs", "Image tags on their way to their targets.")

    @get(routes, "/syncs", SyncPageSchema, SyncQuery)
    def list_all(query: dict[str, Any]) -> Page[ListedSync]:
        """List syncs, newest first."""
        with database.read() as connection:
            return list_syncs(connection, sync_filter(query, clock()))

    @get(routes, "/syncs/<sync_id>", SyncSchema)
    def show(sync_id: str) -> ListedSync:
        """Show one sync."""
        with database.read() as connection:
            sync = find_sync(connection, sync_id)
        if sync is None:
            raise NotFound("there is no sync with this id")
        return sync

    return routes
