"""/api/v1/syncs: list, show, order, retry and cancel syncs."""

from collections.abc import Sequence
from typing import Any

from swrhook.ledger.queries.syncs import find_sync, find_syncs, list_syncs
from swrhook.ledger.queries.views import ImageFilter, ListedSync, Page, SyncFilter
from swrhook.model import image_name
from swrhook.rules.match import RuleTarget
from swrhook.usecases.manual_syncs import plan_manual_syncs, replan
from swrhook.web.access import is_visible, name_object, require_visible, scope
from swrhook.web.api.queries import SyncQuery, to_filter
from swrhook.web.api.routing import Routes
from swrhook.web.api.schemas import OrderSchema, SyncPageSchema, SyncSchema, SyncsSchema
from swrhook.web.context import WebContext
from swrhook.web.problems import require


def add_sync_routes(routes: Routes, web: WebContext) -> None:
    """Add the routes."""

    @routes.get("/syncs", SyncPageSchema, SyncQuery)
    def list_all(query: dict[str, Any]) -> Page[ListedSync]:
        """List syncs, newest first."""
        criteria = to_filter(SyncFilter, {**query, "scope": scope()}, web.clock.now())
        return web.read(list_syncs, criteria)

    @routes.get("/syncs/<sync_id>", SyncSchema)
    def show(sync_id: str) -> ListedSync:
        """Show one sync."""
        return show_sync(web, sync_id)

    @routes.post("/syncs", SyncsSchema, OrderSchema)
    def order_by_hand(body: dict[str, Any]) -> dict[str, list[ListedSync]]:
        """Order syncs of a tag that no delivery announced; without targets the rules decide."""
        targets = body.get("targets")
        chosen = None if targets is None else [RuleTarget(**target) for target in targets]
        return {"syncs": order_syncs(web, body["image"], body["source_region"], chosen)}

    @routes.post("/syncs/<sync_id>/retry", SyncSchema)
    def retry(sync_id: str) -> ListedSync:
        """Restart a sync that has ended, with the override of the current rules."""
        return retry_sync(web, sync_id)

    @routes.post("/syncs/<sync_id>/cancel", SyncSchema)
    def cancel(sync_id: str) -> ListedSync:
        """Cancel a sync that is not verified; the result of a call in flight is still recorded."""
        return cancel_sync(web, sync_id)


def show_sync(web: WebContext, sync_id: str) -> ListedSync:
    """Return a sync. Raises NotFound."""
    sync = web.read(find_sync, sync_id)
    is_known = sync is not None and is_visible(sync.namespace)
    return require(sync if is_known else None, "there is no sync with this id")


def order_syncs(
    web: WebContext,
    image: ImageFilter,
    source_region: str,
    targets: Sequence[RuleTarget] | None = None,
) -> list[ListedSync]:
    """Order syncs of a tag; return them. Raises NothingUsable, and Forbidden outside the scope."""
    current = web.config.current()
    # A target is not bound to the rules: it must be an organization of the token's, too.
    require_visible([image.namespace, *(target.namespace for target in targets or ())])
    tag = (image.namespace, image.repository, image.tag or "")
    name_object(image_name(*tag))
    planned = plan_manual_syncs(tag, source_region, targets, current)
    ids = web.operator.create_syncs(planned, current.version)
    return web.read(find_syncs, ids)


def retry_sync(web: WebContext, sync_id: str) -> ListedSync:
    """Restart a sync that has ended, with the current rules' override; return it.

    Raises NotFound, and StateForbids if the sync is open or verified.
    """
    show_sync(web, sync_id)
    config = web.config.current()
    web.operator.retry(sync_id, lambda sync: replan(sync, config), config.version)
    return show_sync(web, sync_id)


def cancel_sync(web: WebContext, sync_id: str) -> ListedSync:
    """Cancel a sync that is not verified; return it. Raises NotFound, StateForbids."""
    show_sync(web, sync_id)
    web.operator.cancel(sync_id)
    return show_sync(web, sync_id)
