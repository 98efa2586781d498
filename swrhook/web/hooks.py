"""POST /hooks/<sender>: where registries and CI jobs deliver."""

from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus

from flask import Blueprint, Request, Response, jsonify, request

from swrhook import logs
from swrhook.config.model import Config
from swrhook.errors import Refused, UnknownSender
from swrhook.metrics import Metrics
from swrhook.model import Entry, Outcome, Receipt
from swrhook.senders.delivery import Delivery
from swrhook.senders.sender import Sender
from swrhook.usecases.receive import receive
from swrhook.web.client_address import check_address
from swrhook.web.cloudevents_handshake import add_handshake
from swrhook.web.request_body import read_body


def hooks(
    config: Callable[[], Config],
    record: Callable[[Entry], Receipt],
    admit: Callable[[Sender], None],
    metrics: Metrics,
) -> Blueprint:
    """Return the routes of the hooks."""
    blueprint = Blueprint("hooks", __name__)
    add_handshake(blueprint, config)

    def record_and_count(entry: Entry) -> Receipt:
        receipt = record(entry)
        if receipt.outcome is Outcome.IGNORED:
            metrics.ignored(entry.sender, has_pushes=bool(entry.pushes))
        return receipt

    @blueprint.post("/hooks/<name>")
    @blueprint.post("/hooks/<name>/<secret>")
    def deliver(name: str, secret: str | None = None) -> tuple[Response, HTTPStatus]:
        current = config()
        sender = current.senders.get(name)
        label = "unknown" if sender is None else name
        try:
            receipt = _receive(_request(), sender, secret, current, admit, record_and_count)
        except Refused as exc:
            metrics.refused(label, exc.code)
            logs.event("delivery.refused", sender=label, code=exc.code, reason=str(exc))
            raise
        metrics.delivered(name, receipt.outcome)
        accepted = receipt.outcome is Outcome.ACCEPTED
        return _answer(receipt), HTTPStatus.ACCEPTED if accepted else HTTPStatus.OK

    return blueprint


def _request() -> Request:
    """Return the request itself: through Flask's proxy each use would look it up again."""
    found: Request = request._get_current_object()  # type: ignore[attr-defined]  # noqa: SLF001
    return found


def _receive(
    request: Request,
    sender: Sender | None,
    secret: str | None,
    config: Config,
    admit: Callable[[Sender], None],
    record: Callable[[Entry], Receipt],
) -> Receipt:
    if sender is None or (secret is not None and not sender.takes_path_secret):
        raise UnknownSender("no such sender is configured")
    check_address(request, sender, config.options.trusted_proxies)
    delivery = Delivery(
        headers={name.lower(): value for name, value in request.headers.items()},
        body=read_body(request, config.options.body_limit),
        path_secret=secret,
    )
    now = datetime.now(UTC)
    return receive(delivery, sender, config, admit=admit, record=record, now=now)


def _answer(receipt: Receipt) -> Response:
    return jsonify(
        delivery=receipt.delivery,
        outcome=receipt.outcome.value,
        reason=receipt.reason,
        syncs=[{"id": s.id, "image": s.image, "target": s.target} for s in receipt.syncs],
    )
