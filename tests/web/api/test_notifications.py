"""Notifications in the API: listed, shown, tested and sent again."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update
from werkzeug.test import TestResponse

from swrhook.config.model import AppriseChannel, Channel, Notify, WebhookChannel
from swrhook.ledger.notification_tables import notifications
from swrhook.ledger.notifications import begin
from swrhook.model import image_name
from swrhook.notifications.model import Draft, Notice, NotificationState, Topic
from swrhook.notifications.parts import to_part
from swrhook.notifications.rules import NotifyRule
from tests.web.harness import NOW, OPERATE, READ, WebHarness, writes

PATH = "/api/v1/notifications"
SECRET = "the-token-in-the-url"
CHANNELS: dict[str, Channel] = {
    "ops": AppriseChannel("ops", f"feishu://{SECRET}"),
    "cd": WebhookChannel("cd", f"https://cd.example.com/{SECRET}", b"key"),
}
RULES = [NotifyRule(frozenset({Topic.FAILED, Topic.LATE}), ("ops",))]


@pytest.fixture(autouse=True)
def _channels(harness: WebHarness) -> None:
    harness.config = replace(harness.config, notify=Notify(None, CHANNELS, RULES))


def record(harness: WebHarness, channel: str = "ops") -> str:
    image = image_name("team", "web", "v1")
    facts = {"image": image, "targets": ["cn-east-3/team"]}
    notice = Notice(Topic.AVAILABLE, image, NOW, facts, {"sync": "01A"})
    with harness.database.write() as connection:
        return begin(connection, Draft(channel, image, [to_part(notice)]), NOW, NOW)


def body(answer: TestResponse) -> Any:
    return answer.json


def set_state(harness: WebHarness, state: NotificationState) -> None:
    values = {"state": state.value, "ended_at": NOW}
    with harness.database.write() as connection:
        connection.execute(update(notifications).values(values))


def test_a_notification_says_what_it_tells(harness: WebHarness) -> None:
    message_id = record(harness)

    [listed] = body(harness.client().get(PATH))["items"]
    shown = body(harness.client().get(f"{PATH}/{message_id}"))

    assert listed == shown
    assert (shown["channel"], shown["state"], shown["attempts"]) == ("ops", "gathering", 0)
    assert shown["title"] == "team/web:v1 is available at all its targets: cn-east-3/team"
    [part] = shown["parts"]
    assert (part["topic"], part["items"], part["path"]) == (
        "available",
        [{"sync": "01A"}],
        "/syncs/01A",
    )


@pytest.mark.parametrize(
    ("query", "expected"),
    [("channel=cd", ["cd"]), ("state=sent&state=failed", []), ("state=gathering", ["cd", "ops"])],
)
def test_the_list_is_filtered(harness: WebHarness, query: str, expected: list[str]) -> None:
    record(harness)
    record(harness, "cd")

    items = body(harness.client().get(f"{PATH}?{query}"))["items"]

    assert sorted(item["channel"] for item in items) == expected


def test_channels_are_listed_without_their_urls(harness: WebHarness) -> None:
    answer = harness.client().get(f"{PATH}/channels")

    assert body(answer)["items"] == [
        {"name": "ops", "kind": "apprise", "topics": ["failed", "late"]},
        {"name": "cd", "kind": "webhook", "topics": []},
    ]
    assert SECRET not in answer.text


def test_a_test_is_a_message_that_is_due_at_once(harness: WebHarness) -> None:
    answer = harness.client(OPERATE).post(f"{PATH}/test", json={"channel": "cd"})

    assert (answer.status_code, body(answer)["channel"]) == (202, "cd")
    assert body(answer)["title"] == "a test of the channel cd, by ops"
    assert body(answer)["due_at"] == body(answer)["created_at"]
    assert writes(harness)[0][2:] == ("POST /api/v1/notifications/test", "cd", 202)


def test_a_test_of_an_unknown_channel_is_404_and_needs_the_role_operate(
    harness: WebHarness,
) -> None:
    unknown = harness.client(OPERATE).post(f"{PATH}/test", json={"channel": "x"})
    reader = harness.client(READ).post(f"{PATH}/test", json={"channel": "ops"})

    assert (unknown.status_code, reader.status_code) == (404, 403)


def test_only_an_ended_notification_is_sent_again(harness: WebHarness) -> None:
    message_id = record(harness)
    client = harness.client(OPERATE)

    assert client.post(f"{PATH}/{message_id}/retry").status_code == 409
    set_state(harness, NotificationState.FAILED)
    again = client.post(f"{PATH}/{message_id}/retry")
    assert (again.status_code, body(again)["state"], body(again)["ended_at"]) == (
        202,
        "sending",
        None,
    )
    assert client.post(f"{PATH}/nothing/retry").status_code == 404
    assert client.get(f"{PATH}/nothing").status_code == 404
