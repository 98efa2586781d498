"""The schemes of topics: a message is signed with the key of a certificate that it names."""

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
from swrhook.auth.ports import KeyProvider
from swrhook.auth.shared_secret import Authenticate
from swrhook.errors import Unauthenticated, Undecodable
from swrhook.senders.delivery import Delivery
from swrhook.senders.payload import decode


@dataclass(frozen=True, slots=True)
class TopicFormat:
    """A sender's names for the parts of a message, and its ways to sign.

    `signed` has for each type of message the names of what is signed, in order. `hash_of` returns
    the hash of a version's signature; None where the certificate allows none that is safe.
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
    "1": SHA1(),  # noqa: S303  # what SNS signs with until the topic's owner says otherwise
    "2": SHA256(),
}
_SAFE_HASHES = (SHA256, SHA384, SHA512)


def _named(version: str, _certificate: Certificate) -> HashAlgorithm | None:
    return _SNS_HASHES[version]


def _as_the_certificate(_version: str, certificate: Certificate) -> HashAlgorithm | None:
    """Return the hash by which the certificate itself is signed: the vendor's sample does this."""
    try:
        algorithm = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return None
    return algorithm if isinstance(algorithm, _SAFE_HASHES) else None


_SNS_CONFIRMS = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
_SMN_CONFIRMS = ["message", "message_id", "subscribe_url", "timestamp", "topic_urn", "type"]

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
        "SubscriptionConfirmation": _SNS_CONFIRMS,
        "UnsubscribeConfirmation": _SNS_CONFIRMS,
    },
    versions=tuple(_SNS_HASHES),
    hash_of=_named,
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
        "SubscriptionConfirmation": _SMN_CONFIRMS,
        "UnsubscribeConfirmation": _SMN_CONFIRMS,
    },
    versions=("v1",),
    hash_of=_as_the_certificate,
    certificates=pinned_urls.SMN_CERTIFICATE,
    confirmations=pinned_urls.SMN_CONFIRMATION,
)


@dataclass(frozen=True, slots=True)
class _Signed:
    """What a message claims: that this signs that, with the certificate at `certificate_url`."""

    certificate_url: str
    version: str
    signature: bytes
    content: bytes


def sns(topic_arns: Sequence[str], *, keys: KeyProvider) -> Authenticate:
    """Accept the messages of Amazon SNS in these topics.

    However old: SNS tries again for up to 23 days, as the topic's owner says.
    """
    return _authenticate(SNS, topic_arns, keys)


def smn(topic_urns: Sequence[str], *, keys: KeyProvider) -> Authenticate:
    """Accept the messages of Huawei Cloud's SMN in these topics, however old."""
    return _authenticate(SMN, topic_urns, keys)


def confirm_sns(outside: KeyProvider, delivery: Delivery) -> None:
    """Confirm the subscription that an authentic message of SNS offers, if it does."""
    _confirm(SNS, outside, delivery)


def confirm_smn(outside: KeyProvider, delivery: Delivery) -> None:
    """Confirm the subscription that an authentic message of SMN offers, if it does."""
    _confirm(SMN, outside, delivery)


def _authenticate(form: TopicFormat, topics: Sequence[str], outside: KeyProvider) -> Authenticate:
    def authenticate(delivery: Delivery, now: datetime) -> None:
        signed = _signed(form, _message(delivery), topics)
        certificate = outside.certificate(signed.certificate_url)
        if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
            raise Unauthenticated("the certificate of the message's signature has expired")
        if not _is_genuine(signed, certificate, form.hash_of(signed.version, certificate)):
            raise Unauthenticated("the message's signature is not accepted")

    return authenticate


def _confirm(form: TopicFormat, outside: KeyProvider, delivery: Delivery) -> None:
    message = _message(delivery)
    # Only this type: the address in an UnsubscribeConfirmation would subscribe again.
    if message.get(form.type) != "SubscriptionConfirmation":
        return
    url = message.get(form.subscribe_url)
    if not isinstance(url, str) or form.confirmations.fullmatch(url) is None:
        raise Unauthenticated("the message wants a visit where no subscription is confirmed")
    outside.confirm_subscription(url)


def _message(delivery: Delivery) -> Mapping[str, Any]:
    try:
        message = decode(delivery.body)
    except Undecodable:
        message = None
    if not isinstance(message, Mapping):
        raise Unauthenticated("the body is no signed message of a topic")
    return message


def _signed(form: TopicFormat, message: Mapping[str, Any], topics: Sequence[str]) -> _Signed:
    """Return what is signed by what, with nothing proven yet but that it is worth a fetch."""
    names = form.signed.get(str(message.get(form.type)))
    # The last two lines that are signed are the topic and the type. Both are compared whole, so
    # that no line break in another value can pass for them.
    if names is None or message.get(form.topic) not in topics:
        raise Unauthenticated("the message is of another type or topic than is accepted")
    url, version = message.get(form.certificate_url), message.get(form.version)
    if not isinstance(url, str) or form.certificates.fullmatch(url) is None:
        raise Unauthenticated("the message names a certificate that is not its sender's")
    if version not in form.versions:
        raise Unauthenticated("the message's signature is missing or of an unknown version")
    signature = _decoded(message.get(form.signature))
    return _Signed(url, str(version), signature, _content(form, message, names))


def _content(form: TopicFormat, message: Mapping[str, Any], names: Sequence[str]) -> bytes:
    lines = []
    for name in names:
        value = message.get(name)
        if isinstance(value, str):
            lines.append(f"{name}\n{value}\n")
        elif name != form.subject or value is not None:
            raise Unauthenticated(f"the message has no {name}, which is signed")
    return "".join(lines).encode("utf-8", "surrogatepass")


def _decoded(signature: object) -> bytes:
    """Return the bytes of a signature; none for what is no base64."""
    try:
        return b64decode(signature, validate=True) if isinstance(signature, str) else b""
    except ValueError:
        return b""


def _is_genuine(signed: _Signed, certificate: Certificate, algorithm: HashAlgorithm | None) -> bool:
    try:
        key = certificate.public_key()
        if algorithm is None or not isinstance(key, RSAPublicKey):
            return False
        key.verify(signed.signature, signed.content, PKCS1v15(), algorithm)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True
