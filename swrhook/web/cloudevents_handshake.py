"""OPTIONS /hooks/<sender>: the CloudEvents handshake, which asks for permission to deliver.

Format: https://github.com/cloudevents/spec/blob/main/cloudevents/http-webhook.md, section 4, read
September 2026. Azure Event Grid sends it before it creates a subscription. Every origin gets the
permission: it grants nothing, because each delivery is authenticated.
"""

from http import HTTPStatus

from flask import Blueprint, Response, request
from werkzeug.exceptions import MethodNotAllowed

from swrhook.errors import UnknownSender
from swrhook.units import Rate
from swrhook.web.context import WebContext


def add_handshake(blueprint: Blueprint, web: WebContext) -> None:
    """Add the routes. Call it before the POST routes, whose OPTIONS Flask answers automatically."""

    @blueprint.route("/hooks/<sender>", methods=["OPTIONS"])
    @blueprint.route("/hooks/<sender>/<secret>", methods=["OPTIONS"])
    def allow_origin(sender: str, secret: str | None = None) -> Response:
        configured = web.config.current().senders.get(sender)
        if configured is None or (secret is not None and not configured.takes_path_secret):
            raise UnknownSender("no such sender is configured")
        origin = request.headers.get("WebHook-Request-Origin")
        if not origin:
            raise MethodNotAllowed(["POST"], "OPTIONS is only for the CloudEvents handshake")
        answer = Response(status=HTTPStatus.OK)
        answer.headers["Allow"] = "POST"
        answer.headers["WebHook-Allowed-Origin"] = origin
        if "WebHook-Request-Rate" in request.headers:
            answer.headers["WebHook-Allowed-Rate"] = _per_minute(configured.rate_limit)
        return answer


def _per_minute(rate: Rate | None) -> str:
    """Write a rate in the handshake's unit, requests per minute; `*` is no limit."""
    return "*" if rate is None else str(max(1, rate.count * 60 // rate.seconds))
