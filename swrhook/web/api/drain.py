"""/api/v1/drain: let this process go without losing anything."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from swrhook.web.api.routing import blueprint, get, post
from swrhook.web.api.schema_base import schema_of
from swrhook.web.context import WebContext


@dataclass(frozen=True, slots=True)
class _Drain:
    """Whether this process drains."""

    draining: bool
    since: datetime | None


DrainSchema = schema_of(_Drain, "Drain")


def drain_routes(web: WebContext) -> Any:  # noqa: ANN401  # as routing
    """Return the routes."""
    routes = blueprint("drain", "One process's end, prepared.")

    @get(routes, "/drain", DrainSchema)
    def show() -> _Drain:
        """Show whether the process that answers drains."""
        return _Drain(web.draining.since is not None, web.draining.since)

    @post(routes, "/drain", DrainSchema)
    def begin() -> _Drain:
        """Let the process that answers be not ready any more; it finishes what it has."""
        web.draining.begin(web.clock.now())
        return show()

    return routes
