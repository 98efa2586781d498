"""How the senders of topics write their messages, and what of them they sign."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA384, SHA512, HashAlgorithm
from cryptography.x509 import Certificate

from swrhook.auth import pins


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
    certificates=pins.SNS_CERTIFICATE,
    confirmations=pins.SNS_CONFIRMATION,
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
    certificates=pins.SMN_CERTIFICATE,
    confirmations=pins.SMN_CONFIRMATION,
)
