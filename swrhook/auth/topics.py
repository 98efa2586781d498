"""Schemes for topics of SNS and SMN: each message is signed, and names the certificate's URL."""

from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.x509 import Certificate

from swrhook.auth.pinned_urls import is_certificate_url, is_confirmation_url
from swrhook.auth.ports import Authenticate, KeyProvider
from swrhook.errors import Unauthenticated, Undecodable
from swrhook.senders.delivery import Delivery
from swrhook.senders.payload import decode


@dataclass(frozen=True, slots=True)
class TopicFormat:
    """The members of a vendor's messages, and how they are signed.

    `signed` lists the signed members, in order, for each type of message. `hashes` has for each
    signature version a function of the certificate that returns the hash algorithm; None if the
    certificate uses no safe one.
    """

    type: str
    topic: str
    subject: str
    version: str
    signature: str
    certificate_url: str
    subscribe_url: str
    signed: Mapping[str, Sequence[str]]
    hashes: Mapping[str, Callable[[Certificate], HashAlgorithm | None]]


_SAFE_HASHES = (SHA256, SHA384, SHA512)


def _hash_of_certificate(certificate: Certificate) -> HashAlgorithm | None:
    """Return the hash algorithm of the certificate's own signature, like the vendor's sample."""
    try:
        algorithm = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return None
    return algorithm if isinstance(algorithm, _SAFE_HASHES) else None


# The members that are signed in messages about a subscription.
_SNS_CONFIRM = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
_SMN_CONFIRM = ["message", "message_id", "subscribe_url", "timestamp", "topic_urn", "type"]

SNS = TopicFormat(
    type="Type",
    topic="TopicArn",
    subject="Subject",
    version="SignatureVersion",
    signature="Signature",
    certificate_url="SigningCertURL",
    subscribe_url="SubscribeURL",
    signed={
        "Notification": ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
        "SubscriptionConfirmation": _SNS_CONFIRM,
        "UnsubscribeConfirmation": _SNS_CONFIRM,
    },
    hashes={
        # The default of SNS, until the topic's owner selects version 2.
        "1": lambda _certificate: SHA1(),  # noqa: S303
        "2": lambda _certificate: SHA256(),
    },
)
SMN = TopicFormat(
    type="type",
    topic="topic_urn",
    subject="subject",
    version="signature_version",
    signature="signature",
    certificate_url="signing_cert_url",
    subscribe_url="subscribe_url",
    signed={
        "Notification": ["message", "message_id", "subject", "timestamp", "topic_urn", "type"],
        "SubscriptionConfirmation": _SMN_CONFIRM,
        "UnsubscribeConfirmation": _SMN_CONFIRM,
    },
    hashes={"v1": _hash_of_certificate},
)


def sns(topic_arns: Sequence[str], *, keys: KeyProvider) -> Authenticate:
    """Accept messages of Amazon SNS from these topics, of any age.

    SNS retries for up to 23 days, as the topic's owner configures.
    """
    return _make_check(SNS, topic_arns, keys)


def smn(topic_urns: Sequence[str], *, keys: KeyProvider) -> Authenticate:
    """Accept messages of Huawei Cloud's SMN from these topics, of any age."""
    return _make_check(SMN, topic_urns, keys)


def _make_check(form: TopicFormat, topics: Sequence[str], keys: KeyProvider) -> Authenticate:
    def authenticate(delivery: Delivery, now: datetime) -> None:
        message = _read_message(delivery)
        content = _read_signed_content(form, message, topics)
        certificate = keys.certificate(message[form.certificate_url], message[form.topic])
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise Unauthenticated("the certificate of the message's signature has expired")
        algorithm = form.hashes[message[form.version]](certificate)
        if not _is_genuine(message.get(form.signature), content, certificate, algorithm):
            raise Unauthenticated("the message's signature is not accepted")

    return authenticate


def _confirm(form: TopicFormat, keys: KeyProvider, delivery: Delivery) -> bool:
    message = _read_message(delivery)
    # Only this type: the URL in an UnsubscribeConfirmation would subscribe again.
    if message.get(form.type) != "SubscriptionConfirmation":
        return False
    url, topic = str(message.get(form.subscribe_url)), str(message.get(form.topic))
    if not is_confirmation_url(url, topic):
        raise Unauthenticated("the message's URL is not one that confirms a subscription")
    keys.confirm_subscription(url, topic)
    return True


# Each confirms the subscription that an authentic message offers; returns whether it offers one.
confirm_sns = partial(_confirm, SNS)
confirm_smn = partial(_confirm, SMN)


def _read_message(delivery: Delivery) -> Mapping[str, Any]:
    try:
        message = decode(delivery.body)
    except Undecodable:
        message = None
    if not isinstance(message, Mapping):
        raise Unauthenticated("the body is not a signed message of a topic")
    return message


def _read_signed_content(
    form: TopicFormat, message: Mapping[str, Any], topics: Sequence[str]
) -> bytes:
    """Return the signed content of a message that is worth fetching a certificate for."""
    names = form.signed.get(str(message.get(form.type)))
    # The last two signed lines are the topic and the type. Both are compared as a whole, so that
    # a line break in another member cannot imitate them.
    topic = message.get(form.topic)
    if names is None or topic not in topics:
        raise Unauthenticated("the type or topic of the message is not accepted")
    if not is_certificate_url(str(message.get(form.certificate_url)), str(topic)):
        raise Unauthenticated("the message names a certificate that is not its vendor's")
    version = message.get(form.version)
    if not isinstance(version, str) or version not in form.hashes:
        raise Unauthenticated("the message's signature is missing or of an unknown version")
    # A line each for the name and the value of every member.
    lines = []
    for name in names:
        value = message.get(name)
        if isinstance(value, str):
            lines.append(f"{name}\n{value}\n")
        # A message without a subject is signed without its two lines.
        elif name != form.subject or value is not None:
            raise Unauthenticated(f"the message has no {name}, which is signed")
    return "".join(lines).encode("utf-8", "surrogatepass")


def _is_genuine(
    signature: object, content: bytes, certificate: Certificate, algorithm: HashAlgorithm | None
) -> bool:
    if algorithm is None or not isinstance(signature, str):
        return False
    try:
        key = certificate.public_key()
        if not isinstance(key, RSAPublicKey):
            return False
        key.verify(b64decode(signature, validate=True), content, PKCS1v15(), algorithm)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True
