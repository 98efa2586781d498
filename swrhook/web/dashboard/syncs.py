"""Syncs: a list with filters, and each one with its life so far."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from marshmallow import ValidationError
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from swrhook.ledger.queries.sync_timeline import read_timeline
from swrhook.ledger.queries.syncs import list_syncs
from swrhook.ledger.queries.views import ListedSync, Page, SyncFilter
from swrhook.usecases.manual_syncs import replan
from swrhook.web.api.queries import SyncQuery, sync_filter
from swrhook.web.context import WebContext
from swrhook.web.dashboard.labels import GROUPS, STATES
from swrhook.web.dashboard.timeline import steps

PAGE = 50
NOTES = {
    "retried": "It begins from new, with the rules as they are now.",
    "cancelled": "It is cancelled. A call that was under way is still recorded.",
}


def add_syncs(blueprint: Blueprint, web: WebContext) -> None:
    """Add the routes."""

    @blueprint.get("/syncs")
    def syncs() -> str:
        asked = asked_for()
        page: Page[ListedSync] = Page([], None)
        try:
            wanted = which_syncs(asked, web.clock.now())
        except ValidationError as exc:
            mistakes = exc.messages_dict
        else:
            mistakes = {}
            with web.database.read() as connection:
                page = list_syncs(connection, wanted)
        return render_template(
            "dashboard/syncs.html",
            asked=asked,
            mistakes=mistakes,
            page=page,
            regions=sorted(web.config.current().swr.regions),
        )

    @blueprint.get("/syncs/<sync_id>")
    def sync(sync_id: str) -> str:
        with web.database.read() as connection:
            life = read_timeline(connection, sync_id)
        if life is None:
            raise NotFound("There is no sync with this id; old ones are removed in time.")
        return render_template(
            "dashboard/sync.html",
            sync=life.sync,
            steps=steps(life),
            others=life.others,
            note=NOTES.get(request.args.get("note", "")),
        )


def asked_for() -> dict[str, str]:
    """Return what stands in the page's address, without fields that were left empty."""
    return {name: value.strip() for name, value in request.args.items() if value.strip()}


def which_syncs(asked: Mapping[str, str], now: datetime, limit: int = PAGE) -> SyncFilter:
    """Return the filter that a list's address asks for. Raises marshmallow's ValidationError."""
    query: dict[str, Any] = {**asked, "limit": limit}
    show = query.pop("show", None)
    standing = bool(query.pop("standing", "")) or show == "failing"
    if show is not None and show not in GROUPS and show not in STATES:
        raise ValidationError({"show": ["is neither a state nor a group of them."]})
    if show is not None:
        query["state"] = sorted(GROUPS[show][1]) if show in GROUPS else [show]
    return replace(sync_filter(SyncQuery().load(query), now), standing=standing)


def add_sync_actions(blueprint: Blueprint, web: WebContext) -> None:
    """Add the routes; both lead back to the sync's page."""

    @blueprint.post("/syncs/<sync_id>/retry")
    def retry(sync_id: str) -> Response:
        current = web.config.current()
        found = web.operator.retry(
            sync_id, lambda sync: replan(sync, current), current.version, web.clock.now()
        )
        return _back(sync_id, "retried", found=found)

    @blueprint.post("/syncs/<sync_id>/cancel")
    def cancel(sync_id: str) -> Response:
        return _back(sync_id, "cancelled", found=web.operator.cancel(sync_id, web.clock.now()))


def _back(sync_id: str, note: str, *, found: bool) -> Response:
    if not found:
        raise NotFound("There is no sync with this id; old ones are removed in time.")
    return redirect(url_for(".sync", sync_id=sync_id, note=note), HTTPStatus.SEE_OTHER)
