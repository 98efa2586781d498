"""GET /api/v1/wait: until an image has arrived."""

from typing import Any

from flask import Response

from swrhook.web.api.queries import WaitQuery, awaited
from swrhook.web.api.routing import blueprint, get
from swrhook.web.api.schemas import SyncSchema, SyncsSchema
from swrhook.web.context import WebContext
from swrhook.web.long_poll import End, LongPolls, WaitResult
from swrhook.web.problems import RETRY_AFTER, problem

_ERRORS = [end.value[0] for end in End if end is not End.VERIFIED]


def wait_routes(web: WebContext) -> Any:  # noqa: ANN401  # as routing
    """Return the route."""
    routes = blueprint("waiting", "Until an image has arrived.")
    schema = SyncSchema(many=True)
    polls = LongPolls(web)

    @get(routes, "/wait", SyncsSchema, WaitQuery, _ERRORS)
    def wait(query: dict[str, Any]) -> WaitResult | Response:
        """Wait until the latest sync of an image to each target is verified.

        200: all are. 404: none is known. 408: not within `timeout`. 409: one has ended otherwise.
        429: too many wait. Each of these has the member `syncs`, too.
        """
        waited = polls.wait(*awaited(query, web.clock.now()))
        if waited.end is End.VERIFIED:
            return waited
        status, words = waited.end.value
        headers = {"Retry-After": str(RETRY_AFTER)} if waited.end is End.TOO_MANY else {}
        return problem(status, words, more={"syncs": schema.dump(waited.syncs)}, headers=headers)

    return routes
