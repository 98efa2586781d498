"""The pages of deliveries: the list with filters, and each delivery with its replay button."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from http import HTTPStatus
from io import StringIO

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response

from swrhook.ledger.queries.deliveries import find_delivery, list_deliveries, stored_delivery
from swrhook.ledger.queries.delivery_scope import is_wholly_in_scope
from swrhook.ledger.queries.syncs import list_syncs
from swrhook.ledger.queries.views import (
    DeliveryFilter,
    ListedDelivery,
    ListedSync,
    SyncFilter,
)
from swrhook.model import Outcome, Receipt, SyncRef, image_name
from swrhook.web.access import scope
from swrhook.web.api.deliveries import replay_delivery, visible_senders
from swrhook.web.api.queries import DeliveryQuery, to_filter
from swrhook.web.context import WebContext
from swrhook.web.dashboard.syncs import PAGE_SIZE, read_page, read_query
from swrhook.web.hooks import status_of, to_answer
from swrhook.web.problems import require
from swrhook.wording.message import say

# The most characters of a body, and syncs of a delivery, on a page.
LONGEST_BODY = 64 * 1024
LONGEST_INDENTED = 1024 * 1024
MOST_SYNCS = 200


def add_deliveries(blueprint: Blueprint, web: WebContext) -> None:
    """Add the routes of deliveries."""

    @blueprint.get("/deliveries")
    def deliveries() -> str:
        query = read_query()
        page, errors = read_page(web, list_deliveries, lambda: _load_filter(query, web.clock.now()))
        senders = visible_senders(web.config.current())
        return render_template(
            "dashboard/deliveries.html", query=query, errors=errors, page=page, senders=senders
        )

    @blueprint.get("/deliveries/<delivery_id>")
    def delivery(delivery_id: str) -> str:
        limits = scope()
        with web.database.read() as connection:
            missing = say("There is no delivery with this id; old ones are deleted.")
            listed = require(find_delivery(connection, delivery_id, limits), missing)
            stored = require(stored_delivery(connection, delivery_id), missing)
            criteria = SyncFilter(delivery=delivery_id, limit=MOST_SYNCS, scope=limits)
            page = list_syncs(connection, criteria)
            is_whole = is_wholly_in_scope(connection, delivery_id, limits)
            original = find_delivery(connection, listed.original or "", limits)
        body = None if stored.body is None or not is_whole else format_body(stored.body)
        return render_template(
            "dashboard/delivery.html",
            delivery=listed,
            stored=stored,
            original=original,
            body=body,
            is_whole=is_whole,
            syncs=page.items,
            status=None if listed.answered is None else status_of(Outcome(listed.answered)),
            answer=_format_answer(listed, page.items) if is_whole else None,
        )

    @blueprint.post("/deliveries/<delivery_id>/replay")
    def replay(delivery_id: str) -> Response:
        new = replay_delivery(web, delivery_id)
        return redirect(url_for(".delivery", delivery_id=new.id), HTTPStatus.SEE_OTHER)


def format_body(body: bytes) -> str:
    """Return a body as text, at most LONGEST_BODY characters of it; JSON is indented.

    JSON that is far longer stays as it is: to indent it would take seconds.
    """
    text = body.decode("utf-8", "replace")
    if len(body) <= LONGEST_INDENTED:
        with suppress(ValueError, RecursionError):
            text = _indent(json.loads(text))
    if len(text) <= LONGEST_BODY:
        return text
    return say("%(text)s\n… the rest is not shown", text=text[:LONGEST_BODY])


def _indent(content: object) -> str:
    """Indent JSON, as far as it is shown: many levels would turn a small body into gigabytes."""
    text = StringIO()
    for part in json.JSONEncoder(indent=2, ensure_ascii=False).iterencode(content):
        text.write(part)
        if text.tell() > LONGEST_BODY:
            break
    return text.getvalue()


def _format_answer(delivery: ListedDelivery, syncs: Sequence[ListedSync]) -> str | None:
    """Write what the sender was answered; None if it was not, or the answer was long."""
    is_large = delivery.pushes_total > len(delivery.pushes)
    if delivery.answered is None or (delivery.syncs_total > len(syncs) and not is_large):
        return None
    is_duplicate = delivery.answered == Outcome.DUPLICATE
    receipt = Receipt(
        delivery=delivery.original if is_duplicate and delivery.original else delivery.id,
        sender=delivery.sender,
        outcome=Outcome(delivery.answered),
        reason=delivery.reason,
        syncs=[] if is_large else [_to_ref(sync) for sync in reversed(syncs)],
        syncs_total=delivery.syncs_total if is_large else None,
    )
    return json.dumps(to_answer(receipt), indent=2, ensure_ascii=False)


def _to_ref(sync: ListedSync) -> SyncRef:
    image = image_name(sync.namespace, sync.repository, sync.tag)
    return SyncRef(sync.id, image, f"{sync.target_region}/{sync.target_namespace}")


def _load_filter(query: Mapping[str, str], now: datetime) -> DeliveryFilter:
    loaded = DeliveryQuery().load({**query, "limit": PAGE_SIZE})
    return to_filter(DeliveryFilter, {**loaded, "scope": scope()}, now)
