"""/api/v1/notifications: list, show, test and send again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from marshmallow import fields

from swrhook.config.model import Channel, Notify, WebhookChannel
from swrhook.ledger.notifications import (
    ListedNotification,
    NotificationFilter,
    find_notification,
    list_notifications,
)
from swrhook.ledger.queries.views import Page
from swrhook.notifications.links import path_of
from swrhook.notifications.model import Notification, NotificationState, Part, Topic
from swrhook.notifications.parts import make_test
from swrhook.notifications.text import headline, title_of
from swrhook.web.access import name_object, token_name
from swrhook.web.api.queries import NotificationQuery, to_filter
from swrhook.web.api.routing import Routes
from swrhook.web.api.schema_base import ExampleSchema, page_of, schema_of
from swrhook.web.context import WebContext
from swrhook.web.problems import require

_NO_SUCH = "there is no notification with this id"


@dataclass(frozen=True, slots=True)
class ShownPart:
    """What a notification tells of one cause; `path` is the page of the dashboard about it."""

    topic: str
    summary: str
    facts: Mapping[str, Any]
    items: Sequence[Mapping[str, Any]]
    count: int
    first_at: datetime
    last_at: datetime
    path: str


@dataclass(frozen=True, slots=True)
class ShownNotification:
    """A notification, and what it says."""

    id: str
    channel: str
    state: str
    title: str
    parts: Sequence[ShownPart]
    parts_left_out: int
    attempts: int
    error: str | None
    created_at: datetime
    due_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class ShownChannel:
    """A configured channel, without its URL, and the topics that any rule tells it."""

    name: str
    kind: str
    topics: Sequence[str]


PartSchema = schema_of(
    ShownPart,
    "NotificationPart",
    topic=Topic,
    facts=fields.Dict(keys=fields.String(), required=True),
    items=fields.Dict(keys=fields.String()),
)
NotificationSchema = schema_of(
    ShownNotification, "Notification", state=NotificationState, parts=PartSchema
)
NotificationPageSchema = page_of(NotificationSchema, "NotificationPage")
ChannelPageSchema = page_of(schema_of(ShownChannel, "Channel"), "ChannelPage")


class TestOrderSchema(ExampleSchema):
    """The channel to test."""

    __test__ = False  # not for pytest

    channel = fields.String(required=True)


def add_notification_routes(routes: Routes, web: WebContext) -> None:
    """Add the routes."""

    @routes.get("/notifications", NotificationPageSchema, NotificationQuery)
    def list_all(query: dict[str, Any]) -> Page[ShownNotification]:
        """List notifications, newest first."""
        page = web.read(list_notifications, to_filter(NotificationFilter, query, web.clock.now()))
        return Page([show(listed) for listed in page.items], page.next)

    @routes.get("/notifications/channels", ChannelPageSchema)
    def list_channels() -> Page[ShownChannel]:
        """List the configured channels."""
        return Page(channels_of(web.config.current().notify), None)

    @routes.get("/notifications/<notification_id>", NotificationSchema)
    def show_one(notification_id: str) -> ShownNotification:
        """Show one notification."""
        return show(require(web.read(find_notification, notification_id), _NO_SUCH))

    @routes.post("/notifications/test", NotificationSchema, TestOrderSchema)
    def test(body: dict[str, Any]) -> ShownNotification:
        """Send a test to a channel; its state says whether it was delivered."""
        return send_test(web, body["channel"])

    @routes.post("/notifications/<notification_id>/retry", NotificationSchema)
    def retry(notification_id: str) -> ShownNotification:
        """Deliver a notification again that was sent, or failed."""
        return send_again(web, notification_id)


def show(listed: ListedNotification) -> ShownNotification:
    """Return a notification with what it says."""
    parts = [Part.from_json(part) for part in listed.parts]
    message = Notification(
        listed.id, listed.channel, listed.created_at, parts, listed.parts_left_out
    )
    return ShownNotification(
        id=listed.id,
        channel=listed.channel,
        state=listed.state,
        title=title_of(message).removeprefix("swrhook: "),
        parts=[_show_part(part) for part in parts],
        parts_left_out=listed.parts_left_out,
        attempts=listed.attempts,
        error=listed.error,
        created_at=listed.created_at,
        due_at=listed.due_at,
        ended_at=listed.ended_at,
    )


def channels_of(notify: Notify) -> list[ShownChannel]:
    """Return the configured channels."""
    return [_show_channel(channel, notify) for channel in notify.channels.values()]


def send_test(web: WebContext, channel: str) -> ShownNotification:
    """Send a test to a channel. Raises NotFound."""
    channels = web.config.current().notify.channels
    require(channels.get(channel), "there is no channel with this name in notify.channels")
    name_object(channel)
    draft = make_test(channel, token_name() or "", web.clock.now())
    message_id = web.operator.begin_message(draft)
    return show(require(web.read(find_notification, message_id), _NO_SUCH))


def send_again(web: WebContext, notification_id: str) -> ShownNotification:
    """Deliver a notification again. Raises NotFound, and StateForbids while it is delivered."""
    require(web.read(find_notification, notification_id), _NO_SUCH)
    web.operator.send_again(notification_id)
    return show(require(web.read(find_notification, notification_id), _NO_SUCH))


def _show_part(part: Part) -> ShownPart:
    return ShownPart(
        topic=part.topic.value,
        summary=headline(part),
        facts=part.public_facts,
        items=part.public_items,
        count=part.count,
        first_at=part.first_at,
        last_at=part.last_at,
        path=path_of(part),
    )


def _show_channel(channel: Channel, notify: Notify) -> ShownChannel:
    kind = "webhook" if isinstance(channel, WebhookChannel) else "apprise"
    topics = {topic.value for rule in notify.rules if channel.name in rule.to for topic in rule.on}
    return ShownChannel(channel.name, kind, sorted(topics))
