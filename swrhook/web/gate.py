"""/gate: the validating admission webhook of Kubernetes, which holds back pods without image."""

from http import HTTPStatus

from flask import Blueprint, Response, jsonify, request
from werkzeug.exceptions import Forbidden, NotFound, Unauthorized

from swrhook import logs
from swrhook.errors import RateLimited
from swrhook.ledger.database import Snapshot
from swrhook.ledger.failures import is_unavailable, reason_of
from swrhook.senders.payload import decode
from swrhook.usecases.availability.check import Freshness
from swrhook.usecases.availability.copies import Copy, CopyFinder
from swrhook.usecases.gate import Review, Verdict, decide, decide_unknown, read_review, write_review
from swrhook.web.access import bearer_token, find_holder
from swrhook.web.context import WebContext
from swrhook.web.request_body import read_body


def gate_routes(web: WebContext) -> Blueprint:
    """Return the routes. The API server sends a token of `access.tokens` in the path, or not."""
    blueprint = Blueprint("gate", __name__)
    finder = CopyFinder()

    @blueprint.post("/gate")
    @blueprint.post("/gate/<token>")
    def review(token: str | None = None) -> tuple[Response, HTTPStatus]:
        config = web.config.current()
        if config.gate.mode == "off":
            raise NotFound("the gate is off: configure gate.mode")
        _authenticate(web, token)
        content = decode(read_body(request, config.options.body_limit))
        asked = read_review(content, config.gate)
        verdict, reasons = _check(web, finder, asked)
        web.metrics.gate_reviews.labels(verdict).inc()
        if reasons:
            logs.event(f"gate.{verdict}", uid=asked.uid, reason="; ".join(reasons))
        return jsonify(write_review(asked, verdict, reasons)), HTTPStatus.OK

    return blueprint


def _authenticate(web: WebContext, token: str | None) -> None:
    """Raise Unauthorized or Forbidden, unless the request has a token: of any role."""
    value = bearer_token() if token is None else token.encode()
    holder = find_holder(value, web.config.current().access.tokens, web.clock.now())
    if holder is None:
        web.metrics.access_denied.labels("unauthenticated").inc()
        raise Unauthorized("a valid token is required: /gate/TOKEN, one of access.tokens")
    if holder.namespaces is not None:
        web.metrics.access_denied.labels("forbidden").inc()
        raise Forbidden("the token is limited to organizations (namespaces): the gate is for all")


def _check(web: WebContext, finder: CopyFinder, review: Review) -> tuple[Verdict, list[str]]:
    """Return the verdict on a review, and what is wrong."""
    gate = web.config.current().gate

    def find_copies(snapshot: Snapshot) -> list[Copy]:
        return [copy for image in review.images for copy in finder.find_at(snapshot, *image)]

    try:
        freshness = Freshness(gate.max_age)
        checked = web.availability.check(find_copies, freshness, web.draining.begun)
        verdict, reasons = decide(checked, gate)
    except RateLimited as exc:
        verdict, reasons = decide_unknown([str(exc)], gate)
    except Exception as exc:
        if not is_unavailable(exc):
            raise
        verdict, reasons = decide_unknown([f"the ledger cannot be used: {reason_of(exc)}"], gate)
    return verdict, list(reasons)
