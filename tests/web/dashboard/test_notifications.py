"""The page of notifications: channels with a button, messages, and why one was not delivered."""

from dataclasses import replace

import pytest
from sqlalchemy import update

from swrhook.config.model import AppriseChannel, Notify
from swrhook.ledger.notification_tables import notifications
from swrhook.notifications.model import Topic
from swrhook.notifications.rules import NotifyRule
from tests.web.harness import NOW, OPERATE, READ, WebHarness, form_key, signed_in

SECRET = "the-token-in-the-url"


@pytest.fixture
def configured(harness: WebHarness) -> WebHarness:
    channels = {"ops": AppriseChannel("ops", f"feishu://{SECRET}")}
    rules = [NotifyRule(frozenset({Topic.FAILED}), ("ops",))]
    harness.config = replace(harness.config, notify=Notify(None, channels, rules))
    return harness


def test_without_channels_the_page_says_what_to_do(harness: WebHarness) -> None:
    page = signed_in(harness, READ).get("/notifications").text

    assert "No channel is configured. Add <code>notify</code>" in page


def test_a_test_is_sent_with_the_button_and_then_shown(configured: WebHarness) -> None:
    client = signed_in(configured, OPERATE)
    form = {"form_key": form_key(client.get("/notifications"))}
    answer = client.post("/notifications/test/ops", data=form, follow_redirects=True)

    assert "A test is being sent" in answer.text
    assert "a test of the channel ops, by ops" in answer.text
    assert SECRET not in answer.text
    assert client.post("/notifications/test/x", data=form).status_code == 404


def test_a_reader_sees_no_buttons(configured: WebHarness) -> None:
    page = signed_in(configured, READ).get("/notifications").text

    assert "failed" in page
    assert "Send a test" not in page


def test_a_failed_message_says_why_and_is_sent_again(configured: WebHarness) -> None:
    client = signed_in(configured, OPERATE)
    form = {"form_key": form_key(client.get("/notifications"))}
    client.post("/notifications/test/ops", data=form)
    values = {
        "state": "failed",
        "ended_at": NOW,
        "error": "answered with status 502",
        "attempts": 9,
    }
    with configured.database.write() as connection:
        connection.execute(update(notifications).values(values))
        message_id = connection.scalar(notifications.select())
    page = client.get("/notifications?state=failed&channel=ops").text
    assert "9 attempts" in page
    assert "answered with status 502" in page

    answer = client.post(f"/notifications/{message_id}/retry", data=form, follow_redirects=True)
    assert "It is delivered again." in answer.text


def test_a_wrong_filter_is_explained(configured: WebHarness) -> None:
    page = signed_in(configured, READ).get("/notifications?state=lost").text

    assert "The filter is invalid" in page
