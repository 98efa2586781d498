"""GET /api/v1/senders: list the configured senders with their recent deliveries."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from swrhook.ledger.queries.views import ListedSender
from swrhook.web.api.routing import blueprint, get
from swrhook.web.api.schemas import SenderPageSchema
from swrhook.web.context import WebContext
from swrhook.web.sender_list import list_senders


@dataclass(frozen=True, slots=True)
class _Senders:
    """All senders on one page: their number is limited by the configuration."""

    items: Sequence[ListedSender]
    next: None = None


def sender_routes(web: WebContext) -> Any:  # noqa: ANN401  # as routing
    """Return the route."""
    routes = blueprint("senders", "The configured senders and their recent deliveries.")

    @get(routes, "/senders", SenderPageSchema)
    def list_all() -> _Senders:
        """List every configured sender, in the configuration's order."""
        return _Senders(list_senders(web))

    return routes
