"""Retry or cancel the selected syncs of a list, and order new ones by hand.

The list to which the browser returns says what was done, by the parameter `done` in its URL.
"""

import re
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import parse_qsl, urlencode

from flask import Blueprint, redirect, request, url_for
from marshmallow import ValidationError
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers import Response

from swrhook.errors import StateForbids
from swrhook.web.access import name_object
from swrhook.web.api.fields import TagField
from swrhook.web.api.syncs import cancel_sync, order_syncs, retry_sync
from swrhook.web.context import WebContext
from swrhook.web.dashboard.paths import local_path
from swrhook.wording.message import say, say_count

# Twice what a page shows. Each takes a commit of its own.
MOST_SELECTED = 100


def add_selection(blueprint: Blueprint, web: WebContext) -> None:
    """Add the routes."""

    @blueprint.post("/syncs")
    def order() -> Response:
        image, region = request.form.get("image", ""), request.form.get("source_region", "")
        try:
            tag = TagField().deserialize(image.strip())
        except ValidationError as exc:
            raise BadRequest(say("image %(mistake)s", mistake=exc.messages[0])) from exc
        ordered = order_syncs(web, tag, region)
        return _redirect_to_list(url_for(".syncs", image=image.strip()), "ordered", len(ordered), 0)

    @blueprint.post("/syncs/retry")
    def retry_selected() -> Response:
        return _change_selected(web, retry_sync, "retried")

    @blueprint.post("/syncs/cancel")
    def cancel_selected() -> Response:
        return _change_selected(web, cancel_sync, "cancelled")


def _change_selected(
    web: WebContext, change: Callable[[WebContext, str], object], verb: str
) -> Response:
    """Change the selected syncs one by one; those that cannot be changed are counted."""
    selected = dict.fromkeys(request.form.getlist("sync"))
    if len(selected) > MOST_SELECTED:
        raise BadRequest(say("select at most %(count)s syncs at a time", count=MOST_SELECTED))
    name_object(*selected)
    refused = 0
    for sync_id in selected:
        try:
            change(web, sync_id)
        except (NotFound, StateForbids):
            refused += 1
    path = local_path(request.form.get("path", ""), otherwise=url_for(".syncs"))
    return _redirect_to_list(path, verb, len(selected) - refused, refused)


def _redirect_to_list(path: str, verb: str, done: int, refused: int) -> Response:
    page, _, query = path.partition("?")
    others = [(name, value) for name, value in parse_qsl(query) if name != "done"]
    parameters = urlencode([*others, ("done", f"{verb}.{done}.{refused}")])
    return redirect(f"{page}?{parameters}", HTTPStatus.SEE_OTHER)


_DONE = {
    "ordered": say_count("%(count)s sync ordered.", "%(count)s syncs ordered.", 0),
    "retried": say_count("%(count)s sync retried.", "%(count)s syncs retried.", 0),
    "cancelled": say_count("%(count)s sync cancelled.", "%(count)s syncs cancelled.", 0),
}


def take_note(query: dict[str, str]) -> str | None:
    """Take what was done to the selected syncs out of the URL's query; return it in words."""
    match = re.fullmatch(
        r"(ordered|retried|cancelled)\.(\d{1,4})\.(\d{1,4})", query.pop("done", "")
    )
    if match is None:
        return None
    verb, done, refused = match[1], int(match[2]), int(match[3])
    done_note = _DONE[verb].using(count=done)
    if not refused:
        return done_note
    return say(
        "%(done)s %(refused)s could not be: their state forbids it, or has changed meanwhile.",
        done=done_note,
        refused=refused,
    )
