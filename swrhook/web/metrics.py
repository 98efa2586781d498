"""GET /metrics: for Prometheus."""

from flask import Blueprint, Response
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from swrhook.metrics import Metrics


def metrics_route(metrics: Metrics) -> Blueprint:
    """Return the route; access.py decides who may read it."""
    blueprint = Blueprint("metrics", __name__)

    @blueprint.get("/metrics", endpoint="metrics")
    def show() -> Response:
        return Response(metrics.text(), content_type=CONTENT_TYPE_PLAIN_0_0_4)

    return blueprint
