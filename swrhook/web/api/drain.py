"""/api/v1/drain: prepare the process that answers for its end."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from swrhook.web.api.routing import blueprint, get, post
from swrhook.web.api.schema_base import schema_of
from swrhook.web.context import WebContext


@dataclass(frozen=True, slots=True)
class _Drain:
    """Whether this process is draining, and since when."""

    draining: bool
    since: datetime | None


DrainSchema = schema_of(_Drain, "Drain")


def drain_routes(web: WebContext) -> Any:  # noqa: ANN401  # as routing
    """Return the routes."""
    routes = blueprint("drain", "Prepare one process for its end.")

    @get(routes, "/drain", DrainSchema)
    def show() -> _Drain:
        """Show whether the process that answers is draining."""
        return _Drain(web.draining.since is not None, web.draining.since)

    @post(routes, "/drain", DrainSchema)
    def begin() -> _Drain:
        """Start draining the process that answers: it becomes unready, but keeps working."""
        web.draining.begin(web.clock.now())
        return show()

    return routes
