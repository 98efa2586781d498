"""Envelopes: one level is unwrapped, and no message can block a sender."""

import json
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swrhook import config
from swrhook.dialects import DIALECTS
from swrhook.errors import Ignored, Undecodable, UnknownShape
from swrhook.model import Announcement, Reading
from swrhook.senders import envelopes
from swrhook.senders.delivery import Delivery
from swrhook.usecases import receive
from tests.dialects.recordings import FOLDER, read_http

INNER = {"image": "moor/dunlin:9"}


def sns(message: Any, /, **fields: Any) -> dict[str, Any]:
    topic = {"Type": "Notification", "TopicArn": "arn:aws:sns:x:1:t", "MessageId": "m-1"}
    return {**topic, "Message": json.dumps(message), **fields}


def smn(message: Any, /, **fields: Any) -> dict[str, Any]:
    topic = {"type": "Notification", "topic_urn": "urn:smn:x:1:t", "message_id": "m-1"}
    return {**topic, "message": json.dumps(message), **fields}


def pubsub(message: Any, /, **fields: Any) -> dict[str, Any]:
    data = b64encode(json.dumps(message).encode()).decode()
    return {"message": {"data": data, "messageId": "m-1", **fields}, "subscription": "s"}


WRAPS = [sns, smn, pubsub]
every_wrap = pytest.mark.parametrize("wrap", WRAPS)


def delivery(document: Any, **headers: str) -> Delivery:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Delivery(named, json.dumps(document).encode())


def unwrap(wrapped: Delivery) -> Delivery:
    """Return the delivery that a dialect gets to read."""
    read: list[Delivery] = []

    def parse(inner: Delivery) -> Reading:
        read.append(inner)
        return Reading(())

    envelopes.read(wrapped, parse)
    return read[0]


@every_wrap
def test_a_message_is_unwrapped_without_the_envelopes_headers(wrap: Any) -> None:
    inner = unwrap(delivery(wrap(INNER), content_type="text/plain", user_agent="x"))
    assert json.loads(inner.body) == INNER
    assert inner.headers == {"content-type": "application/json"}


@pytest.mark.parametrize(
    "document", [INNER, [], None, {"message": {"data": "e30="}}, {"message_id": "m-1"}]
)
def test_a_delivery_without_an_envelope_is_unchanged(document: Any) -> None:
    bare = delivery(document)
    assert bare is unwrap(bare)


def test_a_body_that_is_not_json_is_left_to_the_dialect() -> None:
    bare = Delivery({}, b"image=moor/dunlin")
    assert bare is unwrap(bare)


def test_an_envelope_that_is_not_json_is_undecodable() -> None:
    with pytest.raises(Undecodable):
        unwrap(Delivery({"x-amz-sns-message-type": "Notification"}, b"{"))


@pytest.mark.parametrize("inside", WRAPS)
@every_wrap
def test_an_envelope_in_an_envelope_is_not_opened(wrap: Any, inside: Any) -> None:
    with pytest.raises(UnknownShape, match="another envelope"):
        unwrap(delivery(wrap(inside(INNER))))


def test_a_body_with_the_fields_of_two_services_is_quarantined() -> None:
    forged = {**sns(INNER), **smn({"image": "moor/forged:1"})}
    with pytest.raises(UnknownShape, match="two services"):
        unwrap(delivery(forged))


def test_the_body_decides_on_the_service_before_the_headers() -> None:
    wrapped = delivery(sns(INNER), x_smn_message_type="Notification")
    assert json.loads(unwrap(wrapped).body) == INNER


def test_a_header_cannot_declare_an_envelope_to_be_a_raw_message() -> None:
    wrapped = delivery(
        sns(INNER), x_amz_sns_message_type="Notification", x_amz_sns_rawdelivery="true"
    )
    assert json.loads(unwrap(wrapped).body) == INNER


def test_a_raw_message_keeps_the_headers_that_are_not_the_services() -> None:
    headers = {"x-amz-sns-message-type": "Notification", "x-amz-sns-rawdelivery": "true"}
    raw = delivery(INNER)
    wrapped = replace(raw, headers={**headers, "ce-type": "x"})
    assert replace(raw, headers={"ce-type": "x"}) == unwrap(wrapped)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (sns(INNER, Message="\ud800"), "SNS: `Message` is not Unicode text"),
        (sns(INNER, Message=None), "SNS: `Message` is null, not a string"),
        (sns(INNER, Message=""), "not JSON"),
        (smn(INNER, message="[" * 100_000), "not JSON"),
        (smn(INNER, type="Reminder"), 'SMN: unknown message type "Reminder"'),
        (pubsub(INNER, data="e3"), "not base64"),
        (pubsub(INNER, data="é"), "not base64"),
        (pubsub(INNER, data="e30=\n"), "not base64"),
        (pubsub(INNER, data=b64encode(b"\xff").decode()), "not JSON"),
    ],
)
def test_a_broken_message_is_quarantined(document: Any, reason: str) -> None:
    with pytest.raises(UnknownShape, match=reason):
        unwrap(delivery(document))


@pytest.mark.parametrize("wrap", [sns, smn])
def test_the_reason_of_a_confirmation_contains_no_url_or_token(wrap: Any) -> None:
    url = "https://sns.eu-north-1.amazonaws.com/?Token=made-up"
    kinds = {"Type": "SubscriptionConfirmation", "type": "SubscriptionConfirmation"}
    kind = {name: value for name, value in kinds.items() if name in wrap(INNER)}
    asked = wrap(INNER, SubscribeURL=url, subscribe_url=url, Token="made-up", **kind)
    with pytest.raises(Ignored, match="`confirm: true`") as ignored:
        unwrap(delivery(asked))
    assert "made-up" not in str(ignored.value)


@every_wrap
def test_the_message_id_replaces_a_missing_event_id(wrap: Any) -> None:
    reading = envelopes.read(delivery(wrap(INNER)), DIALECTS["generic"])
    assert Reading((Announcement("moor/dunlin", "9", None, "m-1"),), (), "m-1") == reading


@every_wrap
def test_the_messages_own_event_id_is_kept(wrap: Any) -> None:
    reading = envelopes.read(delivery(wrap({**INNER, "id": "own"})), DIALECTS["generic"])
    assert Reading((Announcement("moor/dunlin", "9", None, "own"),), (), "own") == reading


@every_wrap
def test_an_envelope_without_an_id_is_unwrapped_except_pubsubs(wrap: Any) -> None:
    document = wrap(INNER)
    for part in (document, document.get("message")):
        for name in ("MessageId", "message_id", "messageId"):
            if isinstance(part, dict):
                part.pop(name, None)
    bare = delivery(document)
    if wrap is pubsub:
        assert bare is unwrap(bare)
    else:
        assert envelopes.read(bare, DIALECTS["generic"]).external_id is None


def test_the_id_of_an_unwrapped_pubsub_message_is_in_a_header() -> None:
    wrapped = delivery(INNER, x_goog_pubsub_message_id="m-2")
    assert envelopes.read(wrapped, DIALECTS["generic"]).external_id == "m-2"


def test_a_configured_dialect_also_reads_a_message_in_an_envelope() -> None:
    bare = read_http(FOLDER / "ecr" / "push.http")
    wrapped = delivery(sns(json.loads(bare.body)))
    assert DIALECTS["ecr"](bare) == envelopes.read(wrapped, DIALECTS["ecr"])


def test_a_message_of_another_than_the_configured_dialect_is_quarantined() -> None:
    with pytest.raises(UnknownShape):
        envelopes.read(delivery(sns(INNER)), DIALECTS["ecr"])


CONFIG = b"""
swr:
  iam_endpoint: https://iam.myhuaweicloud.com
  credentials: {kind: token, token: made-up-token}
  regions: {cn-north-4: {}, cn-east-3: {}}
senders:
  aws: {dialect: ecr, region: cn-north-4, auth: {scheme: none}, allow_unauthenticated: true}
rules:
  - {name: all, when: {sender: aws}, sync: [{region: cn-east-3, namespace: moor}]}
"""


def test_a_received_envelope_is_unwrapped_and_kept_as_the_body() -> None:
    configured = config.parse(CONFIG, file="x", environ={}, read_file=lambda _: "")
    sender = configured.senders["aws"]
    wrapped = delivery(sns(json.loads(read_http(FOLDER / "ecr" / "push.http").body)))
    entry = receive.read(wrapped, sender, configured, now=datetime.now(UTC))
    assert [push.image for push in entry.pushes] == ["moor/curlew:2.4"]
    assert wrapped.body == entry.body


@given(message=st.text(st.characters(exclude_categories=())), wrap=st.sampled_from(WRAPS))
def test_a_message_is_smaller_than_its_envelope(message: str, wrap: Any) -> None:
    outer = Delivery({}, json.dumps(wrap(message), ensure_ascii=True).encode())
    assert len(unwrap(outer).body) < len(outer.body)
