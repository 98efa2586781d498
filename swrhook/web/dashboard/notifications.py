"""The page of notifications: the channels with their test buttons, and the messages."""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus

from flask import Blueprint, redirect, render_template, url_for
from werkzeug.wrappers import Response

from swrhook.ledger.notifications import NotificationFilter, list_notifications
from swrhook.web.api.notifications import channels_of, send_again, send_test, show
from swrhook.web.api.queries import NotificationQuery, to_filter
from swrhook.web.context import WebContext
from swrhook.web.dashboard.syncs import PAGE_SIZE, read_page, read_query
from swrhook.wording.message import say

# Shown after a button was pressed, by the parameter `note` in the URL.
NOTES = {
    "tested": say("A test is being sent: its state below shows whether the channel accepted it."),
    "again": say("It is delivered again."),
}


def add_notifications(blueprint: Blueprint, web: WebContext) -> None:
    """Add the routes of notifications."""

    @blueprint.get("/notifications")
    def notifications() -> str:
        query = read_query()
        note = NOTES.get(query.pop("note", ""))
        page, errors = read_page(
            web, list_notifications, lambda: _load_filter(query, web.clock.now())
        )
        return render_template(
            "dashboard/notifications.html",
            query=query,
            errors=errors,
            note=note,
            channels=channels_of(web.config.current().notify),
            messages=[show(listed) for listed in page.items],
            next=page.next,
        )

    @blueprint.post("/notifications/test/<channel>")
    def test_channel(channel: str) -> Response:
        send_test(web, channel)
        return _redirect_to_list("tested")

    @blueprint.post("/notifications/<notification_id>/retry")
    def send_notification_again(notification_id: str) -> Response:
        send_again(web, notification_id)
        return _redirect_to_list("again")


def _load_filter(query: Mapping[str, str], now: datetime) -> NotificationFilter:
    parameters: dict[str, object] = {**query, "limit": PAGE_SIZE}
    if "state" in query:
        parameters["state"] = [query["state"]]  # the API takes several
    return to_filter(NotificationFilter, NotificationQuery().load(parameters), now)


def _redirect_to_list(note: str) -> Response:
    return redirect(url_for(".notifications", note=note), HTTPStatus.SEE_OTHER)
