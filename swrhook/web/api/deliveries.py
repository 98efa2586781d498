"""/api/v1/deliveries: list, show and replay deliveries."""

from typing import Any

from werkzeug.exceptions import NotFound

from swrhook.ledger.queries.deliveries import find_delivery, list_deliveries
from swrhook.ledger.queries.views import ListedDelivery, Page
from swrhook.web.api.queries import DeliveryQuery, delivery_filter
from swrhook.web.api.routing import blueprint, get, post
from swrhook.web.api.schemas import DeliveryPageSchema, DeliverySchema
from swrhook.web.context import WebContext
from swrhook.web.replay import replay_delivery


def delivery_routes(web: WebContext) -> Any:  # noqa: ANN401  # as routing
    """Return the routes."""
    routes = blueprint("deliveries", "Requests received by the hooks, each with its outcome.")

    @get(routes, "/deliveries", DeliveryPageSchema, DeliveryQuery)
    def list_all(query: dict[str, Any]) -> Page[ListedDelivery]:
        """List deliveries, newest first."""
        with web.database.read() as connection:
            return list_deliveries(connection, delivery_filter(query, web.clock.now()))

    @get(routes, "/deliveries/<delivery_id>", DeliverySchema)
    def show(delivery_id: str) -> ListedDelivery:
        """Show one delivery."""
        with web.database.read() as connection:
            delivery = find_delivery(connection, delivery_id)
        if delivery is None:
            raise NotFound("there is no delivery with this id")
        return delivery

    @post(routes, "/deliveries/<delivery_id>/replay", DeliverySchema)
    def replay(delivery_id: str) -> ListedDelivery:
        """Process a stored delivery again, with the current configuration; return the new one."""
        return replay_delivery(web, delivery_id)

    return routes
