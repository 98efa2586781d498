"""The HTTP API under /api/v1, and its description at /api/openapi.json."""

from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus

from flask import Flask
from flask_smorest import Api
from marshmallow import Schema

from swrhook import __version__
from swrhook.web.api import (
    administration,
    analysis,
    availability,
    coverage,
    deliveries,
    notifications,
    pauses,
    pending_rules,
    repairs,
    syncs,
    timeline,
    wait,
)
from swrhook.web.api.fields import TextField
from swrhook.web.api.routing import Routes
from swrhook.web.api.schemas import ProblemSchema
from swrhook.web.context import WebContext

_DESCRIPTION = """What swrhook received, and where every image tag is.

Lists are sorted newest first and come in pages: `next` is the cursor of the next page, or null on
the last one. Every error is `application/problem+json` (RFC 9457)."""
_TOKENS = (
    "One of `access.tokens` in swrhook.yaml. Reading needs the role `read`, writing `operate`, and"
    " some routes need `admin`; for the availability of images, `ask` is enough."
)
_BEARER = {"type": "http", "scheme": "bearer", "description": _TOKENS}
_OPTIONS = {
    "title": "swrhook",
    "version": __version__,
    "openapi_version": "3.1.0",
    "info": {"description": _DESCRIPTION},
    "security": [{"bearer": []}],
    "components": {"securitySchemes": {"bearer": _BEARER}},
}


def _add_rules_routes(routes: Routes, web: WebContext) -> None:
    administration.add_rules_routes(routes, web)
    pending_rules.add_pending_routes(routes, web)


# By name of the blueprint, which is also the tag in the OpenAPI document: its description there.
_GROUPS: Mapping[str, tuple[str, Callable[[Routes, WebContext], None]]] = {
    "syncs": ("Syncs: each copies one image tag to one target.", syncs.add_sync_routes),
    "timeline": ("What happened to a sync, step by step.", timeline.add_timeline_routes),
    "backfill": ("Copy tags that were pushed before a rule existed.", repairs.add_backfill_routes),
    "reconcile": ("Compare targets with what the rules require.", repairs.add_reconcile_routes),
    "pauses": ("What is held back, and until when.", pauses.add_pause_routes),
    "coverage": (
        "How much of what the rules want is at its targets.",
        coverage.add_coverage_routes,
    ),
    "wait": ("Wait until an image is verified at its targets.", wait.add_wait_routes),
    "availability": (
        "Whether images are at their targets now.",
        availability.add_availability_routes,
    ),
    "deliveries": (
        "Requests received by the hooks, each with its outcome.",
        deliveries.add_delivery_routes,
    ),
    "senders": (
        "The configured senders and their recent deliveries.",
        deliveries.add_sender_routes,
    ),
    "rules": ("The rules: which pushes go where.", _add_rules_routes),
    "explain": ("Why a tag was, or was not, replicated.", analysis.add_explain_routes),
    "whatif": ("What other rules would have done.", analysis.add_whatif_routes),
    "notifications": (
        "Messages to the channels of `notify`.",
        notifications.add_notification_routes,
    ),
    "stats": ("Statistics for dashboards.", administration.add_stats_routes),
    "drain": ("Prepare one process for its end.", administration.add_drain_routes),
    "audit": ("The audit log: every write with a valid token.", administration.add_audit_routes),
}


class _Api(Api):  # type: ignore[misc]  # flask-smorest has no types
    ERROR_SCHEMA: type[Schema] = ProblemSchema

    def _register_error_handlers(self) -> None:
        """Register none: flask-smorest's handlers would replace those of problems.py."""

    def _register_responses(self) -> None:
        """Describe errors as problem+json; flask-smorest would say application/json."""
        phrases = {status.name: status.phrase for status in HTTPStatus}
        for name, phrase in {**phrases, self.DEFAULT_ERROR_RESPONSE_NAME: "Any error"}.items():
            content = {"application/problem+json": {"schema": self.ERROR_SCHEMA}}
            response = {"description": phrase, "content": content}
            self.spec.components.response(name, response, lazy=True)


def create_groups(web: WebContext) -> list[Routes]:
    """Return the groups of routes, for `install`."""
    groups = []
    for name, (description, add_routes) in _GROUPS.items():
        group = Routes(name, description, web.large_pages)
        add_routes(group, web)
        groups.append(group)
    return groups


def install(app: Flask, groups: Iterable[Routes]) -> None:
    """Add the API to the app."""
    app.config["OPENAPI_URL_PREFIX"] = "/api"
    api = _Api(app, spec_kwargs=_OPTIONS)
    # flask-smorest knows no OpenAPI type for our own fields.
    api.register_field(TextField, "string", None)
    for group in groups:
        api.register_blueprint(group, url_prefix="/api/v1")
