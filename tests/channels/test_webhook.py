from collections.abc import Iterator

import pytest

from swrhook.auth.secrets import Secret
from swrhook.auth.standard_webhooks import signing_key, standard_webhooks
from swrhook.channels import NotDelivered, webhook
from swrhook.channels.webhook import WebhookPost
from swrhook.config.model import WebhookChannel
from swrhook.notifications.cloudevents import CONTENT_TYPE
from swrhook.notifications.model import Notice, Notification, Topic
from swrhook.notifications.parts import to_part
from swrhook.senders.delivery import Delivery
from tests.channels.receiver import Receiver, receive
from tests.factories import NOW

SECRET = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOTICE = Notice(Topic.TEST, "test", NOW, {"channel": "cd", "token": "ops"})
MESSAGE = Notification("01N", "cd", NOW, [to_part(NOTICE)])


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receive() as receiver:
        yield receiver


def post(url: str) -> None:
    channel = WebhookChannel("cd", url, signing_key(SECRET))
    WebhookPost(channel, None).deliver(MESSAGE, None, NOW)


def test_a_receiver_gets_a_signed_cloudevent(receiver: Receiver) -> None:
    post(f"{receiver.url}/swr")

    [request] = receiver.requests
    assert (request.path, request.headers["content-type"]) == ("/swr", CONTENT_TYPE)
    standard_webhooks([Secret(SECRET)])(Delivery(request.headers, request.body), NOW)


def test_an_error_status_is_not_delivered_and_says_when_to_retry(receiver: Receiver) -> None:
    receiver.answers = [(503, {"Retry-After": "7"}), (404, {"Retry-After": "soon"})]

    with pytest.raises(NotDelivered, match="status 503") as first:
        post(receiver.url)
    with pytest.raises(NotDelivered, match="status 404") as second:
        post(receiver.url)
    assert (first.value.retry_after, second.value.retry_after) == (7, None)


def test_an_answer_that_drips_is_not_waited_for(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "TIMEOUTS", (1.0, 0.3))
    receiver.drips = True

    with pytest.raises(NotDelivered, match="no answer in time"):
        post(receiver.url)


def test_a_redirect_is_not_followed(receiver: Receiver) -> None:
    receiver.answers = [(307, {"Location": f"{receiver.url}/elsewhere"})]

    with pytest.raises(NotDelivered, match="status 307"):
        post(f"{receiver.url}/swr")
    assert [request.path for request in receiver.requests] == ["/swr"]


def test_an_unreachable_receiver_is_reported_without_its_url() -> None:
    with pytest.raises(NotDelivered, match=r"^cannot be reached: ConnectionError$"):
        post("http://127.0.0.1:9/with-a-secret")
