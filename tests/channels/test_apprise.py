import json
import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest

from swrhook.channels import NotDelivered
from swrhook.channels import apprise as channels_apprise
from swrhook.channels.apprise import ApprisePost
from swrhook.config.model import AppriseChannel
from swrhook.notifications.model import Notice, Notification, Topic
from swrhook.notifications.parts import to_part
from tests.channels.receiver import Receiver, receive
from tests.factories import NOW

NOTICE = Notice(Topic.TEST, "test", NOW, {"channel": "ops", "token": "anna"})
MESSAGE = Notification("01N", "ops", NOW, [to_part(NOTICE)])


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receive() as receiver:
        yield receiver


def post(url: str) -> None:
    ApprisePost(AppriseChannel("ops", url)).deliver(MESSAGE, "https://s.example.com", NOW)


def test_a_service_gets_title_and_text(receiver: Receiver) -> None:
    post(receiver.url.replace("http:", "json:") + "/path")

    [request] = receiver.requests
    content = json.loads(request.body)
    assert content["title"] == "swrhook: a test of the channel ops, by anna"
    assert content["message"] == "https://s.example.com/notifications"


def test_a_refusal_is_reported_without_the_secrets_of_the_url(
    receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    receiver.answers = [(403, {})]
    url = receiver.url.replace("http://", "json://user:password-of-user@")

    with caplog.at_level(logging.INFO), pytest.raises(NotDelivered) as caught:
        post(f"{url}/token-in-the-path")

    assert "403" in str(caught.value) or "Failed to send" in str(caught.value)
    for text in (str(caught.value), caplog.text):
        assert "password-of-user" not in text
        assert "token-in-the-path" not in text


def test_no_redirect_to_another_host_is_followed(receiver: Receiver) -> None:
    with receive() as other:
        receiver.answers = [(307, {"Location": f"{other.url}/inside"})]
        with pytest.raises(NotDelivered):
            post(receiver.url.replace("http:", "json:"))

        assert (len(receiver.requests), other.requests) == (1, [])


def test_an_unreachable_service_is_reported_without_the_url() -> None:
    with pytest.raises(NotDelivered) as caught:
        post("json://127.0.0.1:9/token-in-the-path")

    assert "onnection error" in str(caught.value)
    assert "token-in-the-path" not in str(caught.value)


def test_an_answer_that_never_ends_is_not_waited_for(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels_apprise, "TIMEOUT", 2.0)
    receiver.piece, receiver.pause = b"x", 0.02

    with pytest.raises(NotDelivered, match="no answer in time"):
        post(receiver.url.replace("http:", "json:"))

    assert len(receiver.requests) == 1


def test_an_answer_of_any_size_is_not_kept(receiver: Receiver) -> None:
    receiver.piece = bytes(1024 * 1024)

    with pytest.raises(NotDelivered, match="the answer is too large"):
        post(receiver.url.replace("http:", "json:"))

    assert len(receiver.requests) == 1


def test_a_url_that_apprise_does_not_know_is_reported() -> None:
    with pytest.raises(NotDelivered, match="Apprise cannot use the channel's URL"):
        post("nosuchservice://token")


def test_a_start_does_not_import_apprise() -> None:
    code = "import sys, swrhook.container; sys.exit('apprise' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
