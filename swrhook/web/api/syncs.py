"""/api/v1/syncs: list, show, order, retry and cancel syncs."""

from dataclasses import dataclass
from typing import Any

from swrhook.ledger.queries.syncs import find_syncs, list_syncs
from swrhook.ledger.queries.views import ListedSync, Page
from swrhook.model import image_name
from swrhook.rules.match import RuleTarget
from swrhook.usecases.manual_syncs import plan_manual_syncs
from swrhook.web.access import name_object
from swrhook.web.api.queries import SyncQuery, sync_filter
from swrhook.web.api.routing import blueprint, get, post
from swrhook.web.api.schemas import OrderSchema, SyncPageSchema, SyncSchema, SyncsSchema
from swrhook.web.context import WebContext
from swrhook.web.sync_actions import cancel_sync, retry_sync, show_sync


@dataclass(frozen=True, slots=True)
class _Syncs:
    """The syncs of one order."""

    syncs: list[ListedSync]


def sync_routes(web: WebContext) -> Any:  # noqa: ANN401  # as routing
    """Return the routes."""
    routes = blueprint("syncs", "Syncs: each copies one image tag to one target.")

    @get(routes, "/syncs", SyncPageSchema, SyncQuery)
    def list_all(query: dict[str, Any]) -> Page[ListedSync]:
        """List syncs, newest first."""
        with web.database.read() as connection:
            return list_syncs(connection, sync_filter(query, web.clock.now()))

    @get(routes, "/syncs/<sync_id>", SyncSchema)
    def show(sync_id: str) -> ListedSync:
        """Show one sync."""
        return show_sync(web, sync_id)

    _add_sync_actions(routes, web)
    return routes


def _add_sync_actions(routes: Any, web: WebContext) -> None:  # noqa: ANN401  # as routing
    @post(routes, "/syncs", SyncsSchema, OrderSchema)
    def order_by_hand(body: dict[str, Any]) -> _Syncs:
        """Order syncs of a tag that no delivery announced; without targets the rules decide."""
        current = web.config.current()
        image = body["image"]
        name_object(image_name(image.namespace, image.repository, image.tag))
        targets = body.get("targets")
        planned = plan_manual_syncs(
            (image.namespace, image.repository, image.tag),
            body["source_region"],
            None if targets is None else [RuleTarget(**target) for target in targets],
            current,
        )
        ids = web.operator.create_syncs(planned, current.version, web.clock.now())
        with web.database.read() as connection:
            return _Syncs(find_syncs(connection, ids))

    @post(routes, "/syncs/<sync_id>/retry", SyncSchema)
    def retry(sync_id: str) -> ListedSync:
        """Restart a sync that has ended, with the override of the current rules."""
        return retry_sync(web, sync_id)

    @post(routes, "/syncs/<sync_id>/cancel", SyncSchema)
    def cancel(sync_id: str) -> ListedSync:
        """Cancel a sync that is not verified; the result of a call in flight is still recorded."""
        return cancel_sync(web, sync_id)
