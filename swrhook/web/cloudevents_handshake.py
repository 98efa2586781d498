"""OPTIONS /hooks/<sender>: a sender of CloudEvents asks whether it may deliver.

Format: https://github.com/cloudevents/spec/blob/main/cloudevents/http-webhook.md, section 4, read
September 2026; Azure Event Grid asks so before it creates a subscription. Whoever asks may: the
answer grants nothing, for each delivery proves itself.
"""

from http import HTTPStatus

from flask import Blueprint, Response, request
from werkzeug.exceptions import MethodNotAllowed

from swrhook.errors import UnknownSender
from swrhook.units import Rate
from swrhook.web.context import WebContext


def add_handshake(blueprint: Blueprint, web: WebContext) -> None:
    """Add the routes, before those whose OPTIONS Flask would answer by itself."""

    @blueprint.route("/hooks/<sender>", methods=["OPTIONS"])
    @blueprint.route("/hooks/<sender>/<secret>", methods=["OPTIONS"])
    def agree(sender: str, secret: str | None = None) -> Response:
        configured = web.config.current().senders.get(sender)
        if configured is None or (secret is not None and not configured.takes_path_secret):
            raise UnknownSender("no such sender is configured")
        origin = request.headers.get("WebHook-Request-Origin")
        if not origin:
            raise MethodNotAllowed(["POST"], "only a CloudEvents handshake may ask with OPTIONS")
        answer = Response(status=HTTPStatus.OK)
        answer.headers["Allow"] = "POST"
        answer.headers["WebHook-Allowed-Origin"] = origin
        if "WebHook-Request-Rate" in request.headers:
            answer.headers["WebHook-Allowed-Rate"] = _per_minute(configured.rate_limit)
        return answer


def _per_minute(rate: Rate | None) -> str:
    return "*" if rate is None else str(max(1, rate.count * 60 // rate.seconds))
