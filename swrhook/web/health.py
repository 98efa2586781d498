"""GET /healthz and /readyz: for load balancers, without authentication, tiny."""

from collections.abc import Callable, Mapping

from flask import Blueprint, Response, jsonify

Check = Callable[[], str | None]


def health(checks: Mapping[str, Check], notes: Mapping[str, Check]) -> Blueprint:
    """Return the routes. Each check returns None, or in words why this process is not ready.

    A note is told, but leaves the process ready: it works, if not as its operator wants. Backlog
    and outages of SWR are for metrics and alerts: a load balancer that took this process out for
    them would lose events and gain nothing.
    """
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="alive")

    @blueprint.get("/readyz")
    def readyz() -> tuple[Response, int]:
        failing, told = _said(checks), _said(notes)
        if failing:
            return jsonify(status="not ready", failing=failing), 503
        return jsonify(status="ready", **({"notes": told} if told else {})), 200

    return blueprint


def _said(checks: Mapping[str, Check]) -> dict[str, str]:
    return {name: said for name, check in checks.items() if (said := check()) is not None}
