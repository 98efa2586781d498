"""GET /healthz and /readyz: for load balancers, without authentication, tiny."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from flask import Blueprint, Response, jsonify

Check = Callable[[], str | None]


@dataclass(frozen=True, slots=True)
class Health:
    """What this process can tell of itself.

    Each of `checks` returns None, or in words why this process is not ready. One of `notes` is
    told, but leaves the process ready: it works, if not as its operator wants. `configuration`
    returns the version in use, and since when it is.
    """

    checks: Mapping[str, Check] = field(default_factory=dict)
    notes: Mapping[str, Check] = field(default_factory=dict)
    configuration: Callable[[], Mapping[str, str]] = dict


def health_routes(told: Health) -> Blueprint:
    """Return the routes.

    Backlog and outages of SWR are for metrics and alerts: a load balancer that took this process
    out for them would lose events and gain nothing.
    """
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="alive")

    @blueprint.get("/readyz")
    def readyz() -> tuple[Response, int]:
        failing, notes = _said(told.checks), _said(told.notes)
        whole = {
            "status": "not ready" if failing else "ready",
            **({"failing": failing} if failing else {}),
            "configuration": told.configuration(),
            **({"notes": notes} if notes else {}),
        }
        return jsonify(whole), 503 if failing else 200

    return blueprint


def _said(checks: Mapping[str, Check]) -> dict[str, str]:
    return {name: said for name, check in checks.items() if (said := check()) is not None}
