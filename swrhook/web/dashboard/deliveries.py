"""Deliveries: what senders sent, what was made of it, and the same once more."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus

from flask import Blueprint, redirect, render_template, url_for
from marshmallow import ValidationError
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from swrhook.ledger.queries.deliveries import find_delivery, list_deliveries, stored_delivery
from swrhook.ledger.queries.syncs import find_syncs
from swrhook.ledger.queries.views import DeliveryFilter, ListedDelivery, ListedSync, Page
from swrhook.web.api.queries import DeliveryQuery, delivery_filter
from swrhook.web.context import WebContext
from swrhook.web.dashboard.syncs import PAGE, asked_for
from swrhook.web.replay import replay_delivery

# Characters of a body, and syncs of a delivery, that a page shows.
LONGEST_BODY = 64 * 1024
MOST_SYNCS = 200


def add_deliveries(blueprint: Blueprint, web: WebContext) -> None:
    """Add the routes."""

    @blueprint.get("/deliveries")
    def deliveries() -> str:
        asked = asked_for()
        page: Page[ListedDelivery] = Page([], None)
        try:
            wanted = _which(asked, web.clock.now())
        except ValidationError as exc:
            mistakes = exc.messages_dict
        else:
            mistakes = {}
            with web.database.read() as connection:
                page = list_deliveries(connection, wanted)
        senders = sorted(web.config.current().senders)
        return render_template(
            "dashboard/deliveries.html", asked=asked, mistakes=mistakes, page=page, senders=senders
        )

    @blueprint.get("/deliveries/<delivery_id>")
    def delivery(delivery_id: str) -> str:
        with web.database.read() as connection:
            found = find_delivery(connection, delivery_id)
            kept = stored_delivery(connection, delivery_id)
            if found is None or kept is None:
                raise NotFound("There is no delivery with this id; old ones are removed in time.")
            made: Sequence[ListedSync] = find_syncs(connection, found.syncs[:MOST_SYNCS])
        return render_template(
            "dashboard/delivery.html",
            delivery=found,
            kept=kept,
            body=None if kept.body is None else pretty(kept.body),
            syncs=made,
        )

    @blueprint.post("/deliveries/<delivery_id>/replay")
    def replay(delivery_id: str) -> Response:
        new = replay_delivery(web, delivery_id)
        return redirect(url_for(".delivery", delivery_id=new.id), HTTPStatus.SEE_OTHER)


def pretty(body: bytes) -> str:
    """Return a body as people read it: JSON with one value a line, anything else as it is."""
    text = body.decode("utf-8", "replace")
    try:
        shown = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        shown = text
    if len(shown) <= LONGEST_BODY:
        return shown
    return f"{shown[:LONGEST_BODY]}\n… {len(shown) - LONGEST_BODY:,} more characters are not shown"


def _which(asked: Mapping[str, str], now: datetime) -> DeliveryFilter:
    return delivery_filter(DeliveryQuery().load({**asked, "limit": PAGE}), now)
