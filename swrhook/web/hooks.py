"""/hooks/<sender>: receive deliveries from registries and CI jobs."""

import time
from contextlib import nullcontext
from http import HTTPStatus

from flask import Blueprint, Request, Response, jsonify, request
from werkzeug.exceptions import MethodNotAllowed

from swrhook import logs
from swrhook.config.model import Config
from swrhook.errors import Refused, UnknownSender
from swrhook.interpreter import interpreter
from swrhook.ledger.queries.views import syncs_url
from swrhook.model import DeliveryEntry, Outcome, Receipt
from swrhook.senders.delivery import Delivery
from swrhook.senders.sender import Sender
from swrhook.units import Rate
from swrhook.usecases.receive import receive
from swrhook.web.client_address import check_address, client_address
from swrhook.web.context import WebContext
from swrhook.web.request_body import read_body

# Bytes. A longer body may take so long to read that the other requests would notice.
LONG_BODY = 128 * 1024
# Characters: an IPv6 address may have a zone of any length.
LONGEST_ADDRESS = 45


def hook_routes(web: WebContext) -> Blueprint:
    """Return the routes that receive deliveries."""
    blueprint = Blueprint("hooks", __name__)
    # Before the POST routes, whose OPTIONS Flask would answer automatically.
    _add_handshake(blueprint, web)

    @blueprint.post("/hooks/<sender>")
    @blueprint.post("/hooks/<sender>/<secret>")
    def deliver(sender: str, secret: str | None = None) -> tuple[Response, HTTPStatus]:
        config = web.config.current()
        # Unknown names share one label: a metric must not grow with what strangers send.
        label = sender if sender in config.senders else "unknown"
        try:
            configured = _find_sender(config, sender, secret)
            entry, receipt = _receive(web, config, configured, secret)
        except Refused as exc:
            web.metrics.deliveries_refused.labels(label, exc.code).inc()
            logs.event("delivery.refused", sender=label, code=exc.code, reason=str(exc))
            raise
        web.metrics.deliveries.labels(sender, receipt.outcome).inc()
        if receipt.outcome is Outcome.IGNORED:
            reason = "no_target" if entry.pushes else "no_push"
            web.metrics.deliveries_ignored.labels(sender, reason).inc()
        if entry.over_max_images:
            web.metrics.deliveries_over_max_images.labels(sender).inc()
        return jsonify(to_answer(receipt)), status_of(receipt.outcome)

    return blueprint


def _find_sender(config: Config, name: str, secret: str | None) -> Sender:
    sender = config.senders.get(name)
    if sender is None or (secret is not None and not sender.takes_path_secret):
        raise UnknownSender("no such sender is configured")
    return sender


def _receive(
    web: WebContext, config: Config, sender: Sender, secret: str | None
) -> tuple[DeliveryEntry, Receipt]:
    arrived = time.monotonic()
    # The object itself: Flask's proxy would look it up again on every access.
    current: Request = request._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    client = client_address(current, config.options.trusted_proxies)
    check_address(client, sender)
    delivery = Delivery(
        headers={name.lower(): value for name, value in current.headers.items()},
        body=read_body(current, config.options.body_limit),
        path_secret=secret,
        client_address=None if client is None else str(client)[:LONGEST_ADDRESS],
        arrived=arrived,
    )
    limiter, recorder, now = web.rate_limits, web.recorder, web.clock.now()
    is_long = len(delivery.body) > LONG_BODY
    with interpreter.computing() if is_long else nullcontext():
        return receive(delivery, sender, config, limiter=limiter, recorder=recorder, now=now)


def status_of(outcome: Outcome) -> HTTPStatus:
    """Return the status that tells a sender this outcome."""
    return HTTPStatus.ACCEPTED if outcome is Outcome.ACCEPTED else HTTPStatus.OK


def to_answer(receipt: Receipt) -> dict[str, object]:
    """Return the answer to a delivery."""
    members: dict[str, object] = {
        "delivery": receipt.delivery,
        "outcome": receipt.outcome.value,
        "reason": receipt.reason,
        "syncs": [{"id": s.id, "image": s.image, "target": s.target} for s in receipt.syncs],
    }
    if receipt.syncs_total is not None:
        members |= {"syncs_total": receipt.syncs_total, "syncs_url": syncs_url(receipt.delivery)}
    return members


def _add_handshake(blueprint: Blueprint, web: WebContext) -> None:
    """Add OPTIONS /hooks/<sender>: the CloudEvents handshake, which asks for permission to deliver.

    Format: https://github.com/cloudevents/spec/blob/main/cloudevents/http-webhook.md, section 4,
    read September 2026. Azure Event Grid sends it before it creates a subscription. Every origin
    gets the permission: it grants nothing, because each delivery is authenticated.
    """

    @blueprint.route("/hooks/<sender>", methods=["OPTIONS"])
    @blueprint.route("/hooks/<sender>/<secret>", methods=["OPTIONS"])
    def allow_origin(sender: str, secret: str | None = None) -> Response:
        configured = _find_sender(web.config.current(), sender, secret)
        origin = request.headers.get("WebHook-Request-Origin")
        if not origin:
            raise MethodNotAllowed(["POST"], "OPTIONS is only for the CloudEvents handshake")
        answer = Response(headers={"Allow": "POST", "WebHook-Allowed-Origin": origin})
        if "WebHook-Request-Rate" in request.headers:
            answer.headers["WebHook-Allowed-Rate"] = _per_minute(configured.rate_limit)
        return answer


def _per_minute(rate: Rate | None) -> str:
    """Write a rate in the handshake's unit, requests per minute; `*` is no limit."""
    return "*" if rate is None else str(max(1, rate.count * 60 // rate.seconds))
