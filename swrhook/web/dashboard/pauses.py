"""The page of pauses: what is paused, with buttons to resume it, and a form to pause more."""

from http import HTTPStatus
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from marshmallow import ValidationError
from werkzeug.exceptions import UnprocessableEntity
from werkzeug.wrappers import Response

from swrhook.ledger.pauses import list_pauses
from swrhook.syncs.pauses import PauseKind
from swrhook.web.api.pauses import PausedSchema, PauseOrderSchema, begin_pause, end_pause, to_paused
from swrhook.web.context import WebContext
from swrhook.web.dashboard.mistakes import mistakes
from swrhook.wording.message import join_parts, say

# Shown after a button was pressed, by the parameter `note` in the URL.
NOTES = {
    "paused": say("Paused. Calls that are in flight still end; everything else waits."),
    "resumed": say("Resumed. What was held back goes on in order."),
}


def add_pauses(blueprint: Blueprint, web: WebContext) -> None:
    """Add the routes of pauses."""

    @blueprint.get("/pauses")
    def pauses() -> str:
        current = web.config.current()
        return render_template(
            "dashboard/pauses.html",
            pauses=web.read(list_pauses),
            kinds=list(PauseKind),
            names=sorted({*current.swr.regions, *current.senders}),
            note=NOTES.get(request.args.get("note", "")),
        )

    @blueprint.post("/pauses")
    def pause() -> Response:
        body = _load(PauseOrderSchema, "until", "reason")
        begin_pause(web, to_paused(body), body.get("until"), body.get("reason"))
        return _redirect_to_list("paused")

    @blueprint.post("/pauses/resume")
    def resume() -> Response:
        end_pause(web, to_paused(_load(PausedSchema)))
        return _redirect_to_list("resumed")


def _load(schema: type[PausedSchema], *optional: str) -> dict[str, Any]:
    """Return the API's body for a form. Raises UnprocessableEntity."""
    fields = {name: text for name in optional if (text := request.form.get(name, "").strip())}
    fields[request.form.get("kind", "")] = request.form.get("name", "").strip()
    try:
        body: dict[str, Any] = schema().load(fields)
    except ValidationError as exc:
        raise UnprocessableEntity(join_parts(mistakes(exc))) from exc
    return body


def _redirect_to_list(note: str) -> Response:
    return redirect(url_for(".pauses", note=note), HTTPStatus.SEE_OTHER)
