"""GET /healthz and /readyz for load balancers, without authentication, and GET /metrics."""

from flask import Blueprint, Response, jsonify
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from swrhook import __version__
from swrhook.web.context import WebContext

VERSION_HEADER = "Swrhook-Version"


def health_routes(web: WebContext) -> Blueprint:
    """Return the routes.

    A backlog or an SWR outage leaves the process ready: taking it out of service would lose
    deliveries and help nothing. Metrics and alerts report both.
    """
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    def healthz() -> Response:
        answer = jsonify(status="alive")
        answer.headers[VERSION_HEADER] = __version__
        return answer

    @blueprint.get("/readyz")
    def readyz() -> tuple[Response, int]:
        failing, notes = web.health.failing(), web.health.noted()
        state = {
            "status": "not ready" if failing else "ready",
            **({"failing": failing} if failing else {}),
            "configuration": web.health.configuration(),
            **({"notes": notes} if notes else {}),
        }
        return jsonify(state), 503 if failing else 200

    return blueprint


def metrics_routes(web: WebContext) -> Blueprint:
    """Return the route of the metrics, in the text format of Prometheus.

    `access.guard` decides who may read them.
    """
    blueprint = Blueprint("metrics", __name__)

    @blueprint.get("/metrics", endpoint="metrics")
    def show() -> Response:
        return Response(web.metrics.text(), content_type=CONTENT_TYPE_PLAIN_0_0_4)

    return blueprint
