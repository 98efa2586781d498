"""A key provider with generated keys, and what senders sign with them."""

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from swrhook.auth import Authenticate, Secret
from swrhook.auth.topics import smn, sns
from swrhook.errors import KeysUnavailable, Unauthenticated
from swrhook.senders.delivery import Delivery

NOW = datetime(2026, 7, 3, 12, tzinfo=UTC)
DAY = timedelta(days=1)
ISSUER = "https://token.actions.githubusercontent.com"
SNS_URL = "https://sns.us-west-2.amazonaws.com/SimpleNotificationService-f3ecfb7224c7233f.pem"
SMN_URL = "https://smn.cn-north-4.myhuaweicloud.com/smn/SMN_cn-north-4_3190c26a56fb435f.pem"
ARN = "arn:aws:sns:us-west-2:123456789012:MyTopic"
URN = "urn:smn:cn-north-4:0a419ac94f80f2c62f14c01e34000000:swr-push"
HASHES: Mapping[str, HashAlgorithm] = {"1": SHA1(), "2": SHA256()}


@cache
def rsa_key(number: int = 0) -> rsa.RSAPrivateKey:
    del number
    return rsa.generate_private_key(65537, 2048)


@cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def certificate(
    key: Any = None, hash_: Any = None, begins: datetime = NOW - DAY, ends: datetime = NOW + DAY
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "a sender")])
    private_key = key or rsa_key()
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name)
    builder = builder.public_key(private_key.public_key()).serial_number(1)
    builder = builder.not_valid_before(begins).not_valid_after(ends)
    has_no_hash = isinstance(private_key, ed25519.Ed25519PrivateKey)
    return builder.sign(private_key, None if has_no_hash else hash_ or SHA256())


def pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def jwk(key: Any, key_id: str, **more: Any) -> dict[str, Any]:
    """Return the public half as issuers publish it."""
    name = "RS256" if isinstance(key, rsa.RSAPrivateKey) else "ES256"
    public_key = jwt.get_algorithm_by_name(name).to_jwk(key.public_key(), as_dict=True)
    return {**public_key, "kid": key_id, "use": "sig"} | more


def token(key_id: Any = "a", algorithm: str = "RS256", key: Any = None, **claims: Any) -> str:
    """Return a token of ISSUER for "swrhook" with these `claims`; None removes one."""
    payload: dict[str, Any] = {
        "iss": ISSUER,
        "aud": "swrhook",
        "exp": NOW.timestamp() + 300,
        "repository": "team/app",
        **claims,
    }
    payload = {name: value for name, value in payload.items() if value is not None}
    headers = {} if key_id is None else {"kid": key_id}
    return jwt.encode(payload, key or rsa_key(), algorithm, headers)


@dataclass
class FakeOutside:
    """A KeyProvider with some keys, which records the requests."""

    certificates: dict[str, x509.Certificate] = field(default_factory=dict)
    keys: dict[tuple[str, str], jwt.PyJWK] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    visited: list[str] = field(default_factory=list)

    def for_sender(self, _name: str) -> "FakeOutside":
        return self

    def certificate(self, url: str, _topic: str) -> x509.Certificate:
        self.asked.append(url)
        if url not in self.certificates:
            raise KeysUnavailable("it is not there")
        return self.certificates[url]

    def signing_key(self, issuer: str, key_id: str) -> jwt.PyJWK | None:
        self.asked.append(issuer)
        return self.keys.get((issuer, key_id))

    def confirm_subscription(self, url: str, _topic: str) -> None:
        self.visited.append(url)


def well_known(issuer: str = ISSUER) -> FakeOutside:
    """Return a provider with the certificates of SNS and SMN, and two keys of an issuer."""
    keys = {"a": jwk(rsa_key(), "a"), "e": jwk(ec_key(), "e")}
    return FakeOutside(
        {SNS_URL: certificate(), SMN_URL: certificate()},
        {(issuer, key_id): jwt.PyJWK(key) for key_id, key in keys.items()},
    )


def signature(content: str, hash_: HashAlgorithm, key: rsa.RSAPrivateKey | None = None) -> str:
    signed = (key or rsa_key()).sign(content.encode("utf-8", "surrogatepass"), PKCS1v15(), hash_)
    return b64encode(signed).decode()


def sns_message(kind: str = "Notification", version: str = "1", **more: Any) -> dict[str, Any]:
    """Return a message of SNS, with the members `more`, and signed."""
    message: dict[str, Any] = {
        "Type": kind,
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": ARN,
        "Message": "Hello world!",
        "Timestamp": "2012-05-02T00:54:06.655Z",
        "SignatureVersion": version,
        "SigningCertURL": SNS_URL,
    }
    if kind != "Notification":
        message["Token"] = "2336412f37"
        message["SubscribeURL"] = SNS_CONFIRM
    message |= more
    # Written out rather than computed: this is the vendor's documented order.
    names = ["Message", "MessageId", "SubscribeURL", "Subject", "Timestamp", "Token"]
    lines = [f"{n}\n{message[n]}\n" for n in names if message.get(n) is not None]
    content = "".join(lines) + f"TopicArn\n{message['TopicArn']}\nType\n{message['Type']}\n"
    return {"Signature": signature(content, HASHES.get(version, SHA256())), **message}


def smn_message(kind: str = "Notification", **more: Any) -> dict[str, Any]:
    """Return a message of SMN, with the members `more`, and signed."""
    message: dict[str, Any] = {
        "subject": "CTS" if kind == "Notification" else None,
        "topic_urn": URN,
        "message_id": "d84bd6629ef04513ad2e37bffd6e17cb",
        "signature_version": "v1",
        "type": kind,
        "message": '{"eventType": 1}',
        "signing_cert_url": SMN_URL,
        "timestamp": "2024-07-10T09:45:00Z",
    }
    if kind != "Notification":
        message["subscribe_url"] = SMN_CONFIRM
    message |= more
    names = ["message", "message_id", "subject", "subscribe_url", "timestamp", "topic_urn", "type"]
    content = "".join(f"{n}\n{message[n]}\n" for n in names if message.get(n) is not None)
    return {"signature": signature(content, SHA256()), **message}


SNS_CONFIRM = (
    "https://sns.us-west-2.amazonaws.com/?Action=ConfirmSubscription"
    f"&TopicArn={ARN}&Token=2336412f37"
)
SMN_CONFIRM = (
    "https://console.huaweicloud.com/smn/subscription/confirm"
    f"?token=0a419ac94f80&topic_urn={URN}&region=cn-north-4"
)


# standard-webhooks/standard-webhooks, libraries/csharp, WebhookTest.cs
WEBHOOK_KEY = Secret(b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
WEBHOOK_BODY = b'{"test": 2432232314}'
WEBHOOK_SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
WEBHOOK_SENT_AT = 1614265330
WEBHOOK_TIME = datetime.fromtimestamp(WEBHOOK_SENT_AT, UTC)


def signed_webhook(
    signature: str = WEBHOOK_SIGNATURE, *, body: bytes = WEBHOOK_BODY, **headers: str
) -> Delivery:
    sent = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": str(WEBHOOK_SENT_AT),
        "webhook-signature": signature,
    }
    return Delivery(sent | {name.replace("_", "-"): v for name, v in headers.items()}, body)


def posted(document: Any) -> Delivery:
    return Delivery({"content-type": "text/plain; charset=UTF-8"}, json.dumps(document).encode())


def bearing(sent: str) -> Delivery:
    return Delivery({"authorization": f"Bearer {sent}"}, b"{}")


def refusal(authenticate: Authenticate, delivery: Delivery, now: datetime = NOW) -> str:
    """Return why a delivery is not authentic, "" when it is."""
    try:
        authenticate(delivery, now)
    except Unauthenticated as exc:
        return str(exc)
    return ""


def refusal_of_sns(document: Any, outside: FakeOutside | None = None) -> str:
    return refusal(sns([ARN], keys=outside or well_known()), posted(document))


def refusal_of_smn(document: Any, outside: FakeOutside | None = None) -> str:
    return refusal(smn(["urn:smn:r:p:o", URN], keys=outside or well_known()), posted(document))
