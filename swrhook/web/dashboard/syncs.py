"""The pages of syncs: the list with filters, and each sync with its history and buttons."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any, TypeVar

from flask import Blueprint, redirect, render_template, request, url_for
from marshmallow import ValidationError
from werkzeug.exceptions import UnprocessableEntity
from werkzeug.wrappers import Response

from swrhook.ledger.queries.images import find_images
from swrhook.ledger.queries.sync_timeline import read_timeline
from swrhook.ledger.queries.syncs import list_syncs
from swrhook.ledger.queries.views import Item, Page, SyncFilter
from swrhook.web.access import is_visible, scope
from swrhook.web.api.queries import SyncQuery, to_filter
from swrhook.web.api.routing import ONLY_ONCE, repeated_parameters
from swrhook.web.api.syncs import cancel_sync, retry_sync
from swrhook.web.context import WebContext
from swrhook.web.dashboard.labels import GROUPS, STATES
from swrhook.web.dashboard.mistakes import mistakes
from swrhook.web.dashboard.selection import take_note
from swrhook.web.dashboard.timeline import steps
from swrhook.web.problems import require
from swrhook.wording.message import say

Filter = TypeVar("Filter")

PAGE_SIZE = 50
# Shown on the sync's page after a button was pressed, by the parameter `note` in its URL.
NOTES = {
    "retried": say("Restarted with the current rules."),
    "cancelled": say("Cancelled. The result of a call in flight is still recorded."),
}


def add_syncs(blueprint: Blueprint, web: WebContext) -> None:
    """Add the routes of syncs."""

    @blueprint.get("/syncs")
    def syncs() -> str:
        query = read_query()
        note = take_note(query)
        page, errors = read_page(web, list_syncs, lambda: load_sync_filter(web, query))
        config = web.config.current()
        return render_template(
            "dashboard/syncs.html",
            query=query,
            errors=errors,
            page=page,
            regions=sorted(config.swr.regions),
            # Where the rules decide, as they do for a push of a sender of the region.
            sources=sorted({sender.region for sender in config.senders.values()}),
            note=note,
        )

    @blueprint.get("/syncs/<sync_id>")
    def sync(sync_id: str) -> str:
        missing = say("There is no sync with this id; old ones are deleted.")
        timeline = require(web.read(read_timeline, sync_id), missing)
        require(timeline if is_visible(timeline.sync.namespace) else None, missing)
        note = NOTES.get(request.args.get("note", ""))
        return render_template(
            "dashboard/sync.html", timeline=timeline, steps=steps(timeline), note=note
        )

    @blueprint.post("/syncs/<sync_id>/retry")
    def retry(sync_id: str) -> Response:
        retry_sync(web, sync_id)
        return _redirect_to_sync(sync_id, "retried")

    @blueprint.post("/syncs/<sync_id>/cancel")
    def cancel(sync_id: str) -> Response:
        cancel_sync(web, sync_id)
        return _redirect_to_sync(sync_id, "cancelled")


def read_query() -> dict[str, str]:
    """Return the query parameters of the page's URL, without those that are empty.

    Raises UnprocessableEntity if one is repeated.
    """
    for name in sorted(repeated_parameters(request)):
        raise UnprocessableEntity(say("%(field)s: %(mistake)s", field=name, mistake=ONLY_ONCE))
    return {name: value.strip() for name, value in request.args.items() if value.strip()}


def read_page(
    web: WebContext, read: Callable[[Any, Filter], Page[Item]], load: Callable[[], Filter]
) -> tuple[Page[Item], Sequence[str]]:
    """Return a page of the ledger, which `read` takes with the filter that `load` returns.

    If `load` raises marshmallow's ValidationError: an empty page, and what is wrong.
    """
    try:
        criteria = load()
    except ValidationError as exc:
        return Page([], None), mistakes(exc)
    return web.read(read, criteria), ()


def load_sync_filter(
    web: WebContext, query: Mapping[str, str], limit: int = PAGE_SIZE
) -> SyncFilter:
    """Return the filter of a list's URL. Raises marshmallow's ValidationError.

    Unlike the API's, `image` may be a part of the name. Besides the API's parameters there are
    `show`, a state or a group of them, and `standing`, which leaves out syncs with a newer one.
    """
    parameters: dict[str, Any] = dict(query)
    show, image = parameters.pop("show", None), parameters.pop("image", None)
    standing = bool(parameters.pop("standing", "")) or show == "failing"
    if show is not None and show not in GROUPS and show not in STATES:
        raise ValidationError({"show": [say("is neither a state nor a group of states.")]})
    if show is not None:
        parameters["state"] = sorted(GROUPS[show][1]) if show in GROUPS else [show]
    loaded = {**SyncQuery().load(parameters), "standing": standing, "scope": scope()}
    criteria = replace(to_filter(SyncFilter, loaded, web.clock.now()), limit=limit)
    if image is None:
        return criteria
    return replace(criteria, images=web.read(find_images, image, scope()))


def _redirect_to_sync(sync_id: str, note: str) -> Response:
    return redirect(url_for(".sync", sync_id=sync_id, note=note), HTTPStatus.SEE_OTHER)
