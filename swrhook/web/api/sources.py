"""GET /api/v1/sources: the configured senders, and how each has been lately."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from swrhook.ledger.queries.views import ListedSource
from swrhook.web.api.routing import blueprint, get
from swrhook.web.api.schemas import SourcePageSchema


@dataclass(frozen=True, slots=True)
class _Sources:
    """All of them in one page: there are no more than the configuration has."""

    items: Sequence[ListedSource]
    next: None = None


def sources(list_sources: Callable[[], list[ListedSource]]) -> Any:  # noqa: ANN401  # as routing
    """Return the route."""
    routes = blueprint("sources", "The configured senders, and how each has been lately.")

    @get(routes, "/sources", SourcePageSchema)
    def list_all() -> _Sources:
        """List every source, in the configuration's order."""
        return _Sources(list_sources())

    return routes
