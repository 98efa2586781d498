"""Messages of SNS and SMN are verified as the vendors document it."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_certificate

from swrhook.auth.topics import sns
from swrhook.errors import KeysUnavailable
from swrhook.senders.delivery import Delivery
from tests.auth.messages import (
    ARN,
    DAY,
    NOW,
    SMN_URL,
    SNS_URL,
    FakeOutside,
    certificate,
    ec_key,
    refusal,
    refusal_of_smn,
    refusal_of_sns,
    rsa_key,
    signature,
    smn_message,
    sns_message,
    well_known,
)

KINDS = ["Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"]
NOT_ACCEPTED = "the message's signature is not accepted"


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("kind", KINDS)
def test_messages_of_sns_are_accepted_in_every_type_and_version(kind: str, version: str) -> None:
    assert refusal_of_sns(sns_message(kind, version)) == ""


@pytest.mark.parametrize("kind", KINDS)
def test_messages_of_smn_are_accepted_in_every_type(kind: str) -> None:
    assert refusal_of_smn(smn_message(kind)) == ""


@pytest.mark.parametrize("subject", ["My First Message", "", "密"])
def test_an_optional_subject_is_signed(subject: str) -> None:
    assert refusal_of_sns(sns_message(Subject=subject)) == ""
    assert refusal_of_smn(smn_message(subject=subject)) == ""
    assert refusal_of_sns(sns_message() | {"Subject": subject}) == NOT_ACCEPTED


def test_the_members_are_signed_in_the_documented_order() -> None:
    content = (
        "Message\nHello world!\nMessageId\n22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324\n"
        f"Timestamp\n2012-05-02T00:54:06.655Z\nTopicArn\n{ARN}\nType\nNotification\n"
    )
    message = sns_message(version="2") | {"Signature": signature(content, SHA256())}

    assert refusal_of_sns(message) == ""


@pytest.mark.parametrize("name", ["Message", "MessageId", "Timestamp", "SubscribeURL", "Token"])
def test_no_signed_member_of_sns_can_be_changed_or_omitted(name: str) -> None:
    message = sns_message("SubscriptionConfirmation")

    assert refusal_of_sns(message | {name: "x"}) == NOT_ACCEPTED
    assert refusal_of_sns(message | {name: 1}) == f"the message has no {name}, which is signed"


@pytest.mark.parametrize("name", ["message", "message_id", "timestamp", "subscribe_url"])
def test_no_signed_member_of_smn_can_be_changed_or_omitted(name: str) -> None:
    message = smn_message("SubscriptionConfirmation")

    assert refusal_of_smn(message | {name: "x"}) == NOT_ACCEPTED
    assert refusal_of_smn(message | {name: None}) == f"the message has no {name}, which is signed"


def test_a_signature_of_another_key_is_refused() -> None:
    outside = FakeOutside({SNS_URL: certificate(rsa_key(1)), SMN_URL: certificate(rsa_key(1))})

    assert refusal_of_sns(sns_message(), outside) == NOT_ACCEPTED
    assert refusal_of_smn(smn_message(), outside) == NOT_ACCEPTED


def test_a_signature_is_valid_only_for_its_version() -> None:
    assert refusal_of_sns(sns_message(version="2") | {"SignatureVersion": "1"}) == NOT_ACCEPTED


@pytest.mark.parametrize("signature", ["", "EXAMPLE", "é", "====", None, 7, ["x"]])
def test_a_malformed_signature_is_refused(signature: Any) -> None:
    assert refusal_of_sns(sns_message() | {"Signature": signature}) == NOT_ACCEPTED


@pytest.mark.parametrize("version", ["3", "", None, 1, ["1"], {}])
def test_an_unknown_version_is_refused(version: Any) -> None:
    assert "unknown version" in refusal_of_sns(sns_message() | {"SignatureVersion": version})


@pytest.mark.parametrize("topic", [f"{ARN}2", ARN.upper(), "", None, [ARN], {"a": 1}])
def test_another_topic_is_refused_before_anything_is_fetched(topic: Any) -> None:
    outside = well_known()

    assert "type or topic of the message is not accepted" in refusal_of_sns(
        sns_message(TopicArn=topic), outside
    )
    assert "type or topic of the message is not accepted" in refusal_of_smn(
        smn_message(topic_urn=topic), outside
    )
    assert outside.asked == []


@pytest.mark.parametrize("kind", ["notification", "", None, 1, ["Notification"]])
def test_another_type_is_refused(kind: Any) -> None:
    assert "type or topic of the message is not accepted" in refusal_of_sns(
        sns_message() | {"Type": kind}
    )


def test_line_breaks_cannot_make_another_topics_signature_valid_for_ours() -> None:
    """The owner of another topic writes a message that reads on as one of ours."""
    theirs = ARN.replace("MyTopic", "Theirs")
    tail = f"Timestamp\nt\nTopicArn\n{ARN}\nType\nNotification"
    genuine = sns_message(TopicArn=theirs, Message=f"m\nMessageId\ni\n{tail}")
    rest = f"\nMessageId\n{genuine['MessageId']}\nTimestamp\n{genuine['Timestamp']}"
    forged = genuine | {
        "Message": "m",
        "MessageId": "i",
        "Timestamp": "t",
        "TopicArn": ARN,
        "Type": f"Notification{rest}\nTopicArn\n{theirs}\nType\nNotification",
    }

    assert refusal_of_sns(forged) != ""
    assert refusal_of_sns(forged | {"Type": "Notification"}) == NOT_ACCEPTED


def test_an_unavailable_certificate_is_not_a_refusal() -> None:
    with pytest.raises(KeysUnavailable):
        refusal_of_sns(sns_message(), FakeOutside())


@pytest.mark.parametrize(("begins", "ends"), [(-2 * DAY, -DAY), (DAY, 2 * DAY)])
def test_a_certificate_is_accepted_only_in_its_validity_period(begins: Any, ends: Any) -> None:
    expired = certificate(begins=NOW + begins, ends=NOW + ends)

    assert "has expired" in refusal_of_sns(sns_message(), FakeOutside({SNS_URL: expired}))


def test_only_rsa_keys_are_accepted() -> None:
    assert (
        refusal_of_sns(sns_message(), FakeOutside({SNS_URL: certificate(ec_key())})) == NOT_ACCEPTED
    )


def test_smn_uses_the_hash_algorithm_of_its_certificate() -> None:
    outside = FakeOutside({SMN_URL: certificate(hash_=SHA384())})
    message = smn_message()
    names = ["message", "message_id", "subject", "timestamp", "topic_urn", "type"]
    content = "".join(f"{name}\n{message[name]}\n" for name in names)

    assert refusal_of_smn(message, outside) == NOT_ACCEPTED
    assert refusal_of_smn(message | {"signature": signature(content, SHA384())}, outside) == ""


def test_smn_accepts_no_certificate_without_a_known_safe_hash() -> None:
    hashless = certificate(ed25519.Ed25519PrivateKey.generate())
    der = certificate().public_bytes(Encoding.DER)
    sha256_with_rsa = bytes.fromhex("2a864886f70d01010b")
    unknown = load_der_x509_certificate(
        der.replace(sha256_with_rsa, sha256_with_rsa[:-1] + b"\x7f")
    )

    assert refusal_of_smn(smn_message(), FakeOutside({SMN_URL: hashless})) == NOT_ACCEPTED
    assert refusal_of_smn(smn_message(), FakeOutside({SMN_URL: unknown})) == NOT_ACCEPTED


def test_a_key_of_an_unknown_type_is_refused() -> None:
    der = certificate().public_bytes(Encoding.DER)
    rsa_encryption = bytes.fromhex("2a864886f70d010101")
    unknown = load_der_x509_certificate(der.replace(rsa_encryption, rsa_encryption[:-1] + b"\x7f"))

    assert refusal_of_sns(sns_message(), FakeOutside({SNS_URL: unknown})) == NOT_ACCEPTED


@pytest.mark.parametrize("body", [b"", b"\xff", b"[]", b"1", b"null", b"{", b"[" * 9999])
def test_a_body_that_is_not_a_message_is_refused(body: bytes) -> None:
    assert "not a signed message" in refusal(sns([ARN], keys=well_known()), Delivery({}, body))


def test_raw_message_delivery_is_refused_as_unsigned() -> None:
    headers = {"x-amz-sns-rawdelivery": "true", "x-amz-sns-topic-arn": ARN}
    delivery = Delivery(headers, b'{"detail-type": "ECR Image Action"}')

    assert refusal(sns([ARN], keys=well_known()), delivery) != ""
