"""/api/v1/syncs: where every image tag is and, if it is not there, why; and people's wishes."""

from dataclasses import dataclass
from typing import Any

from werkzeug.exceptions import NotFound

from swrhook.ledger.operator import Operator
from swrhook.ledger.queries.syncs import find_sync, find_syncs, list_syncs
from swrhook.ledger.queries.views import ListedSync, Page
from swrhook.model import image_name
from swrhook.rules import RuleTarget
from swrhook.usecases.manual_syncs import plan_manual_syncs, replan
from swrhook.web.access import name_object
from swrhook.web.api.queries import SyncQuery, sync_filter
from swrhook.web.api.routing import blueprint, get, post
from swrhook.web.api.schemas import OrderSchema, SyncPageSchema, SyncSchema, SyncsSchema
from swrhook.web.context import WebContext

_UNKNOWN = "there is no sync with this id"


@dataclass(frozen=True, slots=True)
class _Syncs:
    """Syncs that were ordered together."""

    syncs: list[ListedSync]


def sync_routes(web: WebContext) -> Any:  # noqa: ANN401  # as routing
    """Return the routes."""
    routes = blueprint("syncs", "Image tags on their way to their targets.")

    @get(routes, "/syncs", SyncPageSchema, SyncQuery)
    def list_all(query: dict[str, Any]) -> Page[ListedSync]:
        """List syncs, newest first."""
        with web.database.read() as connection:
            return list_syncs(connection, sync_filter(query, web.clock.now()))

    @get(routes, "/syncs/<sync_id>", SyncSchema)
    def show(sync_id: str) -> ListedSync:
        """Show one sync."""
        return _found(web.operator, sync_id)

    _add_sync_actions(routes, web)
    return routes


def _add_sync_actions(routes: Any, web: WebContext) -> None:  # noqa: ANN401  # as routing
    @post(routes, "/syncs", SyncsSchema, OrderSchema)
    def order_by_hand(body: dict[str, Any]) -> _Syncs:
        """Order syncs of an image that nobody announced; without targets the rules decide."""
        current = web.config.current()
        image = body["image"]
        name_object(image_name(image.namespace, image.repository, image.tag))
        targets = body.get("targets")
        wanted = plan_manual_syncs(
            (image.namespace, image.repository, image.tag),
            body["source_region"],
            None if targets is None else [RuleTarget(**target) for target in targets],
            current,
        )
        ids = web.operator.create_syncs(wanted, current.version, web.clock.now())
        with web.database.read() as connection:
            return _Syncs(find_syncs(connection, ids))

    @post(routes, "/syncs/<sync_id>/retry", SyncSchema)
    def retry(sync_id: str) -> ListedSync:
        """Begin an ended sync from new, with the override that the rules say now."""
        current = web.config.current()
        if not web.operator.retry(
            sync_id, lambda sync: replan(sync, current), current.version, web.clock.now()
        ):
            raise NotFound(_UNKNOWN)
        return _found(web.operator, sync_id)

    @post(routes, "/syncs/<sync_id>/cancel", SyncSchema)
    def cancel(sync_id: str) -> ListedSync:
        """End a sync that is not verified; a call in flight is still recorded."""
        if not web.operator.cancel(sync_id, web.clock.now()):
            raise NotFound(_UNKNOWN)
        return _found(web.operator, sync_id)


def _found(operator: Operator, sync_id: str) -> ListedSync:
    with operator.database.read() as connection:
        sync = find_sync(connection, sync_id)
    if sync is None:
        raise NotFound(_UNKNOWN)
    return sync
