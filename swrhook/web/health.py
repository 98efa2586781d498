"""GET /healthz and /readyz: for load balancers, without authentication, tiny."""

from collections.abc import Callable, Mapping

from flask import Blueprint, Response, jsonify

Check = Callable[[], str | None]


def health(checks: Mapping[str, Check]) -> Blueprint:
    """Return the routes; each check returns None, or what is wrong in words.

    Backlog and outages of SWR are for metrics and alerts: a load balancer that took this process
    out for them would lose events and gain nothing.
    """
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="alive")

    @blueprint.get("/readyz")
    def readyz() -> tuple[Response, int]:
        failing = {name: said for name, check in checks.items() if (said := check()) is not None}
        if failing:
            return jsonify(status="not ready", failing=failing), 503
        return jsonify(status="ready"), 200

    return blueprint
