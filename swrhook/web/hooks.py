"""POST /hooks/<sender>: receive deliveries from registries and CI jobs."""

from http import HTTPStatus

from flask import Blueprint, Request, Response, jsonify, request

from swrhook import logs
from swrhook.config.model import Config
from swrhook.errors import Refused, UnknownSender
from swrhook.model import DeliveryEntry, Outcome, Receipt
from swrhook.senders.delivery import Delivery
from swrhook.senders.sender import Sender
from swrhook.usecases.receive import receive
from swrhook.web.client_address import check_address
from swrhook.web.cloudevents_handshake import add_handshake
from swrhook.web.context import WebContext
from swrhook.web.request_body import read_body


def hook_routes(web: WebContext) -> Blueprint:
    """Return the routes that receive deliveries."""
    blueprint = Blueprint("hooks", __name__)
    add_handshake(blueprint, web)

    @blueprint.post("/hooks/<sender>")
    @blueprint.post("/hooks/<sender>/<secret>")
    def deliver(sender: str, secret: str | None = None) -> tuple[Response, HTTPStatus]:
        config = web.config.current()
        # Unknown names share one label: a metric must not grow with what strangers send.
        label = sender if sender in config.senders else "unknown"
        try:
            entry, receipt = _receive(web, config, config.senders.get(sender), secret)
        except Refused as exc:
            web.metrics.deliveries_refused.labels(label, exc.code).inc()
            logs.event("delivery.refused", sender=label, code=exc.code, reason=str(exc))
            raise
        web.metrics.deliveries.labels(sender, receipt.outcome).inc()
        if receipt.outcome is Outcome.IGNORED:
            reason = "no_target" if entry.pushes else "no_push"
            web.metrics.deliveries_ignored.labels(sender, reason).inc()
        accepted = receipt.outcome is Outcome.ACCEPTED
        return _answer(receipt), HTTPStatus.ACCEPTED if accepted else HTTPStatus.OK

    return blueprint


def _request() -> Request:
    """Return the request object; Flask's proxy would look it up again on every access."""
    current: Request = request._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    return current


def _receive(
    web: WebContext, config: Config, sender: Sender | None, secret: str | None
) -> tuple[DeliveryEntry, Receipt]:
    request = _request()
    if sender is None or (secret is not None and not sender.takes_path_secret):
        raise UnknownSender("no such sender is configured")
    check_address(request, sender, config.options.trusted_proxies)
    delivery = Delivery(
        headers={name.lower(): value for name, value in request.headers.items()},
        body=read_body(request, config.options.body_limit),
        path_secret=secret,
    )
    now = web.clock.now()
    return receive(
        delivery, sender, config, limiter=web.rate_limits, recorder=web.recorder, now=now
    )


def _answer(receipt: Receipt) -> Response:
    return jsonify(
        delivery=receipt.delivery,
        outcome=receipt.outcome.value,
        reason=receipt.reason,
        syncs=[{"id": s.id, "image": s.image, "target": s.target} for s in receipt.syncs],
    )
