"""OPTIONS /hooks/<sender>: a sender of CloudEvents asks whether it may deliver.

Format: https://github.com/cloudevents/spec/blob/main/cloudevents/http-webhook.md, section 4, read
September 2026; Azure Event Grid asks so before it creates a subscription. Whoever asks may: the
answer grants nothing, for each delivery proves itself.
"""

from collections.abc import Callable
from http import HTTPStatus

from flask import Blueprint, Response, request
from werkzeug.exceptions import MethodNotAllowed

from swrhook.config.model import Config
from swrhook.errors import UnknownSender
from swrhook.units import Rate


def add_handshake(blueprint: Blueprint, config: Callable[[], Config]) -> None:
    """Add the routes, before those whose OPTIONS Flask would answer by itself."""

    @blueprint.route("/hooks/<name>", methods=["OPTIONS"])
    @blueprint.route("/hooks/<name>/<secret>", methods=["OPTIONS"])
    def agree(name: str, secret: str | None = None) -> Response:
        sender = config().senders.get(name)
        if sender is None or (secret is not None and not sender.takes_path_secret):
            raise UnknownSender("no such sender is configured")
        origin = request.headers.get("WebHook-Request-Origin")
        if not origin:
            raise MethodNotAllowed(["POST"], "only a CloudEvents handshake may ask with OPTIONS")
        answer = Response(status=HTTPStatus.OK)
        answer.headers["Allow"] = "POST"
        answer.headers["WebHook-Allowed-Origin"] = origin
        if "WebHook-Request-Rate" in request.headers:
            answer.headers["WebHook-Allowed-Rate"] = _per_minute(sender.rate_limit)
        return answer


def _per_minute(rate: Rate | None) -> str:
    return "*" if rate is None else str(max(1, rate.count * 60 // rate.seconds))
