"""GET /api/v1/wait: wait until an image is verified at its targets."""

from typing import Any

from flask import Response

from swrhook.web.api.queries import WaitQuery, wait_filter
from swrhook.web.api.routing import blueprint, get
from swrhook.web.api.schemas import SyncSchema, SyncsSchema
from swrhook.web.context import WebContext
from swrhook.web.long_poll import End, LongPolls, WaitResult
from swrhook.web.problems import RETRY_AFTER, problem

_ERRORS = [end.value[0] for end in End if end is not End.VERIFIED]


def wait_routes(web: WebContext) -> Any:  # noqa: ANN401  # as routing
    """Return the route."""
    routes = blueprint("wait", "Wait until an image is verified at its targets.")
    schema = SyncSchema(many=True)
    polls = LongPolls(web)

    @get(routes, "/wait", SyncsSchema, WaitQuery, _ERRORS)
    def wait(query: dict[str, Any]) -> WaitResult | Response:
        """Wait until the latest sync of an image to each target is verified.

        200: all are. 404: no sync matches. 408: not within `timeout`. 409: one has ended in another
        state. 429: too many waits in this process. Every answer has the member `syncs`.
        """
        result = polls.wait(*wait_filter(query, web.clock.now()))
        if result.end is End.VERIFIED:
            return result
        status, detail = result.end.value
        headers = {"Retry-After": str(RETRY_AFTER)} if result.end is End.TOO_MANY else {}
        return problem(status, detail, more={"syncs": schema.dump(result.syncs)}, headers=headers)

    return routes
