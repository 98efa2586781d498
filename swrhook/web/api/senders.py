"""GET /api/v1/senders: the configured senders, and how each has been lately."""

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
    """All of them in one page: there are no more than the configuration has."""

    items: Sequence[ListedSender]
    next: None = None


def sender_routes(web: WebContext) -> Any:  # noqa: ANN401  # as routing
    """Return the route."""
    routes = blueprint("senders", "The configured senders, and how each has been lately.")

    @get(routes, "/senders", SenderPageSchema)
    def list_all() -> _Senders:
        """List every sender, in the configuration's order."""
        return _Senders(list_senders(web))

    return routes
