"""Unwrap the envelopes in which AWS SNS, Huawei SMN and Google Pub/Sub forward messages.

Formats: https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html,
https://docs.otc.t-systems.com/simple-message-notification/umn/ (appendix) and
https://cloud.google.com/pubsub/docs/push, read August 2026.

Only one level is unwrapped: an envelope inside an envelope raises UnknownShape. Nothing is
decompressed, so a message is never larger than its envelope. An undecodable envelope raises
Undecodable. An undecodable message in it raises UnknownShape instead, which quarantines the
delivery: an error response would only make the service deliver the same message again.
"""

from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from swrhook.errors import IgnoredSecret, Undecodable, UnknownShape
from swrhook.model import Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery
from swrhook.wording.message import say


@dataclass(frozen=True, slots=True)
class _TopicService:
    """The names of the headers and fields of a publish-subscribe service."""

    dialect: str
    name: str
    scheme: str
    headers: str
    kind: str
    topic: str
    id: str
    message: str


_SNS = _TopicService("sns", "SNS", "sns", "x-amz-sns-", "Type", "TopicArn", "MessageId", "Message")
_SMN = _TopicService(
    "huawei-smn", "SMN", "smn", "x-smn-", "type", "topic_urn", "message_id", "message"
)
_SERVICES = (_SMN, _SNS)
_MESSAGE_TYPES = frozenset({"Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"})

# A body without any of these is not decoded here, because most deliveries have no envelope.
_ENVELOPE_MARKERS = (b"TopicArn", b"topic_urn", b"messageId", b"message_id")
# Pub/Sub sends this header with an unwrapped message, if the subscription is set up so.
_PUBSUB_ID = "x-goog-pubsub-message-id"

_JSON = {"content-type": "application/json"}


def read(delivery: Delivery, parse: Callable[[Delivery], Reading]) -> Reading:
    """Read a delivery, or the message in its envelope, with `parse`. Raises what `parse` raises.

    Announcements without an event id get the envelope's message id; a redelivery has the same.
    """
    inner, message_id = _unwrap(delivery)
    reading = parse(inner)
    if message_id is None:
        return reading
    announcements = tuple(
        replace(announcement, event_id=announcement.event_id or message_id)
        for announcement in reading.announcements
    )
    return replace(
        reading, announcements=announcements, external_id=reading.external_id or message_id
    )


def envelope_dialect(headers: Mapping[str, str], document: payload.Json) -> str | None:
    """Return the dialect of the envelope (sns, huawei-smn or gcr), None without an envelope."""
    service = _find_service(headers, document)
    if service is not None:
        return service.dialect
    return "gcr" if _is_pubsub(document) else None


def _unwrap(delivery: Delivery) -> tuple[Delivery, str | None]:
    """Return the message in the envelope, and the envelope's message id."""
    has_header = any(f"{service.headers}message-type" in delivery.headers for service in _SERVICES)
    if not has_header and not any(mark in delivery.body for mark in _ENVELOPE_MARKERS):
        return delivery, payload.text(delivery.headers, _PUBSUB_ID)
    document = payload.decode(delivery.body)
    service = _find_service(delivery.headers, document)
    if service is not None:
        return _unwrap_notification(delivery, document, service)
    if _is_pubsub(document):
        message = _decode_base64(document["message"]["data"])
        return _inner_delivery(message), _pubsub_message_id(document)
    return delivery, payload.text(delivery.headers, _PUBSUB_ID)


def _unwrap_notification(
    delivery: Delivery, document: payload.Json, service: _TopicService
) -> tuple[Delivery, str | None]:
    """Return the message of a notification, and its id. Raises IgnoredSecret for another type."""
    headers = delivery.headers
    header_id = payload.text(headers, f"{service.headers}message-id")
    header_kind = payload.text(headers, f"{service.headers}message-type")
    kind = payload.text(document, service.kind) or header_kind
    topic = payload.text(document, service.topic)
    if topic is None and headers.get(f"{service.headers}rawdelivery") == "true":
        # Raw delivery: the body is the message itself, and the service's fields are headers.
        rest = {name: headers[name] for name in headers if not name.startswith(service.headers)}
        return replace(delivery, headers=rest), header_id
    if kind not in _MESSAGE_TYPES:
        raise UnknownShape(
            say(
                "%(name)s: unknown message type %(kind)s",
                name=service.name,
                kind=payload.quote(kind),
            )
        )
    if kind != "Notification":
        raise IgnoredSecret(_confirmation_reason(kind, topic, service))
    message_id = payload.text(document, service.id) or header_id
    return _inner_delivery(_notification_message(document, service)), message_id


def _notification_message(document: payload.Json, service: _TopicService) -> bytes:
    """Return the message of a notification."""
    message = payload.get(document, service.message)
    if not isinstance(message, str):
        kind = payload.type_name(message)
        raise UnknownShape(
            say(
                "%(name)s: `%(field)s` is %(kind)s, not a string",
                name=service.name,
                field=service.message,
                kind=kind,
            )
        )
    try:
        return message.encode()
    except UnicodeEncodeError:
        raise UnknownShape(
            say(
                "%(name)s: `%(field)s` is not Unicode text",
                name=service.name,
                field=service.message,
            )
        ) from None


def _confirmation_reason(kind: str, topic: str | None, service: _TopicService) -> str:
    """Return what happened to the subscription and what to do, without its URL.

    The URL contains a token that confirms the subscription, so it is a secret.
    """
    subject = say("%(name)s topic %(topic)s", name=service.name, topic=payload.quote(topic))
    if kind == "UnsubscribeConfirmation":
        return say(
            "%(subject)s: this subscription has ended; subscribe again to restore it",
            subject=subject,
        )
    return say(
        "%(subject)s asks to confirm this subscription: set `confirm: true` in this"
        " sender's auth (scheme `%(scheme)s`), then request the confirmation again in %(name)s",
        subject=subject,
        scheme=service.scheme,
        name=service.name,
    )


def _find_service(headers: Mapping[str, str], document: payload.Json) -> _TopicService | None:
    """Return the service that the envelope comes from. The body decides before the headers."""
    # Signatures cover the body, not the headers.
    in_body = [
        service
        for service in _SERVICES
        if payload.text(document, service.kind) and payload.text(document, service.topic)
    ]
    if len(in_body) > 1:
        # A signature covers only one service's fields: an attacker may have added the others.
        raise UnknownShape(say("the body is an envelope of two services"))
    in_headers = [service for service in _SERVICES if f"{service.headers}message-type" in headers]
    return next(iter(in_body + in_headers), None)


def _is_pubsub(document: payload.Json) -> bool:
    has_data = isinstance(payload.get(document, "message", "data"), str)
    return has_data and _pubsub_message_id(document) is not None


def _pubsub_message_id(document: payload.Json) -> str | None:
    message = payload.get(document, "message")
    return payload.text(message, "messageId") or payload.text(message, "message_id")


def _decode_base64(data: str) -> bytes:
    """Return the decoded bytes. Raises UnknownShape for anything but base64."""
    try:
        return b64decode(data, validate=True)
    except ValueError:
        raise UnknownShape(say("Pub/Sub: `message.data` is not base64")) from None


def _inner_delivery(message: bytes) -> Delivery:
    """Return the message as a delivery of its own. Raises UnknownShape for another envelope."""
    try:
        document = payload.decode(message)
    except Undecodable:
        raise UnknownShape(say("the message in the envelope is not JSON")) from None
    if envelope_dialect({}, document):
        raise UnknownShape(say("the message in the envelope is another envelope"))
    return Delivery(_JSON, message)
