"""/api/v1/deliveries: list, show and replay deliveries."""

from typing import Any

from swrhook import logs
from swrhook.ledger.queries.deliveries import find_delivery, list_deliveries, stored_delivery
from swrhook.ledger.queries.views import DeliveryFilter, ListedDelivery, Page
from swrhook.usecases import receive
from swrhook.web.access import token_name
from swrhook.web.api.queries import DeliveryQuery, to_filter
from swrhook.web.api.routing import Routes
from swrhook.web.api.schemas import DeliveryPageSchema, DeliverySchema
from swrhook.web.context import WebContext
from swrhook.web.problems import require

_UNKNOWN = "there is no delivery with this id"


def delivery_routes(web: WebContext) -> Routes:
    """Return the routes."""
    routes = Routes("deliveries", "Requests received by the hooks, each with its outcome.")

    @routes.get("/deliveries", DeliveryPageSchema, DeliveryQuery)
    def list_all(query: dict[str, Any]) -> Page[ListedDelivery]:
        """List deliveries, newest first."""
        with web.database.read() as connection:
            return list_deliveries(connection, to_filter(DeliveryFilter, query, web.clock.now()))

    @routes.get("/deliveries/<delivery_id>", DeliverySchema)
    def show(delivery_id: str) -> ListedDelivery:
        """Show one delivery."""
        with web.database.read() as connection:
            return require(find_delivery(connection, delivery_id), _UNKNOWN)

    @routes.post("/deliveries/<delivery_id>/replay", DeliverySchema)
    def replay(delivery_id: str) -> ListedDelivery:
        """Process a stored delivery again, with the current configuration; return the new one."""
        return replay_delivery(web, delivery_id)

    return routes


def replay_delivery(web: WebContext, delivery_id: str) -> ListedDelivery:
    """Replay a delivery; return the new one. Raises NotFound, NothingToReplay, CannotRecord."""
    with web.database.read() as connection:
        stored = require(stored_delivery(connection, delivery_id), _UNKNOWN)
    receipt = web.recorder.record(receive.replay(stored, web.config.current(), now=web.clock.now()))
    web.metrics.replayed(stored.sender, receipt.outcome)
    logs.event(
        "delivery.replayed",
        delivery=receipt.delivery,
        replayed_from=stored.id,
        sender=stored.sender,
        outcome=receipt.outcome.value,
        reason=receipt.reason,
        syncs=len(receipt.syncs),
        token=token_name(),
    )
    with web.database.read() as connection:
        delivery = find_delivery(connection, receipt.delivery)
        return require(delivery, "the new delivery has been removed already")
