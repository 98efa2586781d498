"""GET /metrics: the metrics, in the text format of Prometheus."""

from flask import Blueprint, Response
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from swrhook.web.context import WebContext


def metrics_route(web: WebContext) -> Blueprint:
    """Return the route; `access.guard` decides who may read it."""
    blueprint = Blueprint("metrics", __name__)

    @blueprint.get("/metrics", endpoint="metrics")
    def show() -> Response:
        return Response(web.metrics.text(), content_type=CONTENT_TYPE_PLAIN_0_0_4)

    return blueprint
