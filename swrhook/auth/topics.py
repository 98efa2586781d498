"""Schemes for topics of SNS and SMN: each message is signed, and names the certificate's URL."""

import re
from base64 import b64decode
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.x509 import Certificate

from swrhook.auth import pinned_urls
from swrhook.auth.ports import Authenticate, KeyProvider
from swrhook.errors import Unauthenticated, Undecodable
from swrhook.senders.delivery import Delivery
from swrhook.senders.payload import decode


@dataclass(frozen=True, slots=True)
class TopicFormat:
    """The members of a vendor's messages, and how they are signed.

    `signed` lists the signed members, in order, for each type of message. `hash_of` returns the
    hash algorithm of a signature version; None if the certificate uses no safe one.
    """

    type: str
    topic: str
    subject: str
    version: str
    signature: str
    certificate_url: str
    subscribe_url: str
    signed: Mapping[str, Sequence[str]]
    versions: Collection[str]
    hash_of: Callable[[str, Certificate], HashAlgorithm | None]
    certificates: re.Pattern[str]
    confirmations: re.Pattern[str]


_SNS_HASHES: Mapping[str, HashAlgorithm] = {
    "1": SHA1(),  # noqa: S303  # the default of SNS, until the topic's owner selects version 2
    "2": SHA256(),
}
_SAFE_HASHES = (SHA256, SHA384, SHA512)


def _sns_hash(version: str, _certificate: Certificate) -> HashAlgorithm | None:
    return _SNS_HASHES[version]


def _smn_hash(_version: str, certificate: Certificate) -> HashAlgorithm | None:
    """Return the hash algorithm of the certificate's own signature, like the vendor's sample."""
    try:
        algorithm = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return None
    return algorithm if isinstance(algorithm, _SAFE_HASHES) else None


_SNS_CONFIRM_MEMBERS = [
    "Message",
    "MessageId",
    "SubscribeURL",
    "Timestamp",
    "Token",
    "TopicArn",
    "Type",
]
_SMN_CONFIRM_MEMBERS = [
    "message",
    "message_id",
    "subscribe_url",
    "timestamp",
    "topic_urn",
    "type",
]

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
        "SubscriptionConfirmation": _SNS_CONFIRM_MEMBERS,
        "UnsubscribeConfirmation": _SNS_CONFIRM_MEMBERS,
    },
    versions=tuple(_SNS_HASHES),
    hash_of=_sns_hash,
    certificates=pinned_urls.SNS_CERTIFICATE,
    confirmations=pinned_urls.SNS_CONFIRMATION,
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
        "SubscriptionConfirmation": _SMN_CONFIRM_MEMBERS,
        "UnsubscribeConfirmation": _SMN_CONFIRM_MEMBERS,
    },
    versions=("v1",),
    hash_of=_smn_hash,
    certificates=pinned_urls.SMN_CERTIFICATE,
    confirmations=pinned_urls.SMN_CONFIRMATION,
)


@dataclass(frozen=True, slots=True)
class _SignedContent:
    """A message's signed content, its signature and where its certificate is; not verified yet."""

    certificate_url: str
    version: str
    signature: bytes
    content: bytes


def sns(topic_arns: Sequence[str], *, keys: KeyProvider) -> Authenticate:
    """Accept messages of Amazon SNS from these topics, of any age.

    SNS retries for up to 23 days, as the topic's owner configures.
    """
    return _make_check(SNS, topic_arns, keys)


def smn(topic_urns: Sequence[str], *, keys: KeyProvider) -> Authenticate:
    """Accept messages of Huawei Cloud's SMN from these topics, of any age."""
    return _make_check(SMN, topic_urns, keys)


def confirm_sns(keys: KeyProvider, delivery: Delivery) -> None:
    """Confirm the subscription that an authentic message of SNS offers, if it offers one."""
    _confirm(SNS, keys, delivery)


def confirm_smn(keys: KeyProvider, delivery: Delivery) -> None:
    """Confirm the subscription that an authentic message of SMN offers, if it offers one."""
    _confirm(SMN, keys, delivery)


def _make_check(form: TopicFormat, topics: Sequence[str], keys: KeyProvider) -> Authenticate:
    def authenticate(delivery: Delivery, now: datetime) -> None:
        signed = _read_signed_content(form, _read_message(delivery), topics)
        certificate = keys.certificate(signed.certificate_url)
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise Unauthenticated("the certificate of the message's signature has expired")
        if not _is_genuine(signed, certificate, form.hash_of(signed.version, certificate)):
            raise Unauthenticated("the message's signature is not accepted")

    return authenticate


def _confirm(form: TopicFormat, keys: KeyProvider, delivery: Delivery) -> None:
    message = _read_message(delivery)
    # Only this type: the URL in an UnsubscribeConfirmation would subscribe again.
    if message.get(form.type) != "SubscriptionConfirmation":
        return
    url = message.get(form.subscribe_url)
    if not isinstance(url, str) or form.confirmations.fullmatch(url) is None:
        raise Unauthenticated("the message's URL is not one that confirms a subscription")
    keys.confirm_subscription(url)


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
) -> _SignedContent:
    """Return the signed content of a message that is worth fetching a certificate for."""
    names = form.signed.get(str(message.get(form.type)))
    # The last two signed lines are the topic and the type. Both are compared as a whole, so that
    # a line break in another member cannot imitate them.
    if names is None or message.get(form.topic) not in topics:
        raise Unauthenticated("the type or topic of the message is not accepted")
    url, version = message.get(form.certificate_url), message.get(form.version)
    if not isinstance(url, str) or form.certificates.fullmatch(url) is None:
        raise Unauthenticated("the message names a certificate that is not its vendor's")
    if version not in form.versions:
        raise Unauthenticated("the message's signature is missing or of an unknown version")
    signature = _decode_signature(message.get(form.signature))
    return _SignedContent(url, str(version), signature, _signed_lines(form, message, names))


def _signed_lines(form: TopicFormat, message: Mapping[str, Any], names: Sequence[str]) -> bytes:
    """Return the signed text, a line each for the name and the value of every member."""
    lines = []
    for name in names:
        value = message.get(name)
        if isinstance(value, str):
            lines.append(f"{name}\n{value}\n")
        # A message without a subject is signed without its two lines.
        elif name != form.subject or value is not None:
            raise Unauthenticated(f"the message has no {name}, which is signed")
    return "".join(lines).encode("utf-8", "surrogatepass")


def _decode_signature(signature: object) -> bytes:
    """Return the bytes of a signature; empty, and so never genuine, if it is not base64."""
    try:
        return b64decode(signature, validate=True) if isinstance(signature, str) else b""
    except ValueError:
        return b""


def _is_genuine(
    signed: _SignedContent, certificate: Certificate, algorithm: HashAlgorithm | None
) -> bool:
    try:
        key = certificate.public_key()
        if algorithm is None or not isinstance(key, RSAPublicKey):
            return False
        key.verify(signed.signature, signed.content, PKCS1v15(), algorithm)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True
