"""Envelopes: what AWS SNS, Huawei SMN and Google Pub/Sub put around another sender's message.

Formats: https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html,
https://docs.otc.t-systems.com/simple-message-notification/umn/ (appendix) and
https://cloud.google.com/pubsub/docs/push, read August 2026.

One level is opened: an envelope in an envelope is no shape that we know. Nothing is decompressed,
so that what is inside is never larger than the envelope. The outside is the sender's and may be
Undecodable; whatever is inside has come through the service well, so what is wrong with it is
quarantined (a refusal would only bring it again).
"""

from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from swrhook.errors import Ignored, Undecodable, UnknownShape
from swrhook.model import Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery


@dataclass(frozen=True, slots=True)
class _Topics:
    """How a service of topics and subscriptions writes its headers and fields."""

    dialect: str
    name: str
    scheme: str
    headers: str
    kind: str
    topic: str
    id: str
    message: str


_SNS = _Topics("sns", "SNS", "sns", "x-amz-sns-", "Type", "TopicArn", "MessageId", "Message")
_SMN = _Topics("huawei-smn", "SMN", "smn", "x-smn-", "type", "topic_urn", "message_id", "message")
_TOPICS = (_SMN, _SNS)
_KINDS = frozenset({"Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"})

# A body without any of these is not decoded here: most deliveries have no envelope.
_MARKS = (b"TopicArn", b"topic_urn", b"messageId", b"message_id")
# Sent with a Pub/Sub message that comes without its envelope, if the subscription says so.
_PUBSUB_ID = "x-goog-pubsub-message-id"

_JSON = {"content-type": "application/json"}


def read(delivery: Delivery, parse: Callable[[Delivery], Reading]) -> Reading:
    """Read a delivery, or what the envelope around it holds; raises what `parse` raises.

    Announcements without an event id get the envelope's message id, the same when it comes again.
    """
    inner, message_id = _open(delivery)
    reading = parse(inner)
    if message_id is None:
        return reading
    announcements = tuple(
        replace(each, event_id=each.event_id or message_id) for each in reading.announcements
    )
    return replace(
        reading, announcements=announcements, external_id=reading.external_id or message_id
    )


def dialect_of(headers: Mapping[str, str], document: Any) -> str | None:  # noqa: ANN401
    """Return the dialect named for the envelope: sns, huawei-smn, gcr; None without one."""
    topics = _topics(headers, document)
    if topics is not None:
        return topics.dialect
    return "gcr" if _is_pubsub(document) else None


def _open(delivery: Delivery) -> tuple[Delivery, str | None]:
    """Return what is inside, and the envelope's message id."""
    named = any(f"{topics.headers}message-type" in delivery.headers for topics in _TOPICS)
    if not named and not any(mark in delivery.body for mark in _MARKS):
        return delivery, payload.text(delivery.headers, _PUBSUB_ID)
    document = payload.decode(delivery.body)
    topics = _topics(delivery.headers, document)
    if topics is not None:
        return _open_topics(delivery, document, topics)
    if _is_pubsub(document):
        return _inner(_decoded(document["message"]["data"])), _pubsub_id(document)
    return delivery, payload.text(delivery.headers, _PUBSUB_ID)


def _open_topics(
    delivery: Delivery,
    document: Any,  # noqa: ANN401
    topics: _Topics,
) -> tuple[Delivery, str | None]:
    """Return the message of a notification, and its id."""
    headers = delivery.headers
    header_id = payload.text(headers, f"{topics.headers}message-id")
    header_kind = payload.text(headers, f"{topics.headers}message-type")
    kind = payload.text(document, topics.kind) or header_kind
    topic = payload.text(document, topics.topic)
    if topic is None and headers.get(f"{topics.headers}rawdelivery") == "true":
        rest = {name: headers[name] for name in headers if not name.startswith(topics.headers)}
        return replace(delivery, headers=rest), header_id
    if kind not in _KINDS:
        raise UnknownShape(f"{topics.name}: message type {payload.shown(kind)} is not known")
    if kind != "Notification":
        raise Ignored(_confirmation(kind, topic, topics))
    return _inner(_message(document, topics)), payload.text(document, topics.id) or header_id


def _message(document: Any, topics: _Topics) -> bytes:  # noqa: ANN401
    """Return the message of a notification."""
    message = payload.at(document, topics.message)
    if not isinstance(message, str):
        what = payload.kind_of(message)
        raise UnknownShape(f"{topics.name}: `{topics.message}` is {what}, not a string")
    try:
        return message.encode()
    except UnicodeEncodeError:
        raise UnknownShape(f"{topics.name}: `{topics.message}` is not Unicode text") from None


def _confirmation(kind: str, topic: str | None, topics: _Topics) -> str:
    """Say what became of a subscription, and what to do; its URL is a credential and not told."""
    where = f"{topics.name} topic {payload.shown(topic)}"
    if kind == "UnsubscribeConfirmation":
        return f"{where}: this subscription has ended; to have it again, subscribe again"
    return (
        f"{where} asks for confirmation of this subscription: set `confirm: true` in this sender's"
        f" auth (scheme `{topics.scheme}`), then let {topics.name} request it again"
    )


def _topics(headers: Mapping[str, str], document: Any) -> _Topics | None:  # noqa: ANN401
    """Return whose envelope it is, by the body before the headers, which nobody signs."""
    written = [
        topics
        for topics in _TOPICS
        if payload.text(document, topics.kind) and payload.text(document, topics.topic)
    ]
    if len(written) > 1:
        # A signature covers the fields of one service: the others may be an attacker's.
        raise UnknownShape("the body is an envelope of two services")
    named = [topics for topics in _TOPICS if f"{topics.headers}message-type" in headers]
    return next(iter(written + named), None)


def _is_pubsub(document: Any) -> bool:  # noqa: ANN401
    return isinstance(payload.at(document, "message", "data"), str) and bool(_pubsub_id(document))


def _pubsub_id(document: Any) -> str | None:  # noqa: ANN401
    message = payload.at(document, "message")
    return payload.text(message, "messageId") or payload.text(message, "message_id")


def _decoded(data: str) -> bytes:
    """Return what the base64 holds."""
    try:
        return b64decode(data, validate=True)
    except ValueError:
        raise UnknownShape("Pub/Sub: `message.data` is not base64") from None


def _inner(message: bytes) -> Delivery:
    """Return the message as a delivery of its own."""
    try:
        document = payload.decode(message)
    except Undecodable:
        raise UnknownShape("the message in the envelope is not JSON") from None
    if dialect_of({}, document):
        raise UnknownShape("the message in the envelope is an envelope again")
    return Delivery(_JSON, message)
