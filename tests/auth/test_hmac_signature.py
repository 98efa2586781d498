"""HMAC signatures: examples that vendors publish, and variants computed here."""

import hashlib
import hmac as reference
from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest

from swrhook.auth import Authenticate, Secret
from swrhook.auth.hmac_signature import ALGORITHMS, ENCODINGS, github, hmac, jfrog, nexus
from swrhook.errors import Unauthenticated
from swrhook.senders.delivery import Delivery
from tests.auth.messages import refusal

NOW = datetime(2026, 7, 3, 12, tzinfo=UTC)

# https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
GITHUB = Secret(b"It's a Secret to Everybody")
GITHUB_BODY = b"Hello, World!"
GITHUB_SIGNATURE = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

# fluxcd/flux-recv, test/fixtures/nexus_key and nexus_payload: Sonatype Nexus 3
NEXUS = Secret(b"gk0qp4u98xy0vntojv81i8zcjr4zw7xd6c4ugzad")
NEXUS_BODY = (
    b'{"timestamp":"2020-04-05T21:49:44.219+0000",'
    b'"nodeId":"8C4F3E91-CD46AFE0-61B8403D-94526884-19AC4E06","initiator":"admin/127.0.0.1",'
    b'"repositoryName":"app1","action":"CREATED",'
    b'"component":{"id":"c770169c0b2e3ed8357368b43d4da3d8",'
    b'"componentId":"YXBwMTpjNzcwMTY5YzBiMmUzZWQ4MzU3MzY4YjQzZDRkYTNkOA",'
    b'"format":"docker","name":"app1/alpine","version":"3.4"}}'
)
NEXUS_SIGNATURE = "d06eea380d4631e8c1180b689d10d9ba83ab68f6"

JFROG = "x-jfrog-event-auth"
BODY = b'{"domain":"docker"}'
HEX = reference.new(b"heron", BODY, hashlib.sha256).hexdigest()


def signed(value: str, body: bytes = GITHUB_BODY) -> Delivery:
    return Delivery({"x-hub-signature-256": value}, body)


sha256_of_github = hmac("X-Hub-Signature-256", [GITHUB], prefix="sha256=")


def test_githubs_own_example_is_accepted() -> None:
    sha256_of_github(signed(GITHUB_SIGNATURE), NOW)


def test_nexus_signs_with_sha1_and_no_prefix() -> None:
    delivery = Delivery({"x-nexus-webhook-signature": NEXUS_SIGNATURE}, NEXUS_BODY)
    hmac("X-Nexus-Webhook-Signature", [NEXUS], algorithm="sha1")(delivery, NOW)


def test_hex_may_be_in_upper_case() -> None:
    sha256_of_github(signed("sha256=" + GITHUB_SIGNATURE.removeprefix("sha256=").upper()), NOW)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "sha256=",
        GITHUB_SIGNATURE.removeprefix("sha256="),
        GITHUB_SIGNATURE.replace("sha256=", "sha1="),
        GITHUB_SIGNATURE[:-1],
        GITHUB_SIGNATURE + "0",
        "sha256=é",
        "sha256=密",
        "sha256=\ud800",
        "sha256=" + "0" * 64,
    ],
)
def test_any_other_value_is_refused(value: str) -> None:
    with pytest.raises(Unauthenticated, match=r"^the signature in X-Hub-Signature-256 is missing"):
        sha256_of_github(signed(value), NOW)


def test_another_body_is_refused() -> None:
    with pytest.raises(Unauthenticated):
        sha256_of_github(signed(GITHUB_SIGNATURE, GITHUB_BODY + b"\n"), NOW)
    with pytest.raises(Unauthenticated):
        sha256_of_github(Delivery({}, GITHUB_BODY), NOW)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_algorithm_and_encoding_agrees_with_the_library(
    algorithm: str, encoding: str
) -> None:
    mac = reference.new("clé".encode(), b"\0\xff", getattr(hashlib, algorithm))
    value = mac.hexdigest() if encoding == "hex" else b64encode(mac.digest()).decode()
    authenticate = hmac("X-Sig", [Secret("clé".encode())], algorithm, encoding, "v1,")
    authenticate(Delivery({"x-sig": f"v1,{value}"}, b"\0\xff"), NOW)


def test_a_signature_is_accepted_until_its_secret_expires() -> None:
    old = Secret(GITHUB.value, not_after=NOW)
    authenticate = hmac("X-Hub-Signature-256", [Secret(b"new"), old], prefix="sha256=")
    authenticate(signed(GITHUB_SIGNATURE), NOW - timedelta(microseconds=1))
    with pytest.raises(Unauthenticated):
        authenticate(signed(GITHUB_SIGNATURE), NOW)


@pytest.mark.parametrize(("algorithm", "encoding"), [("md5", "hex"), ("sha256", "base32")])
def test_an_unknown_algorithm_or_encoding_is_a_value_error(algorithm: str, encoding: str) -> None:
    with pytest.raises(ValueError, match="no such signature"):
        hmac("X-Sig", [GITHUB], algorithm, encoding)


def test_the_github_scheme_accepts_githubs_own_example() -> None:
    delivery = Delivery({"x-hub-signature-256": GITHUB_SIGNATURE}, GITHUB_BODY)

    assert refusal(github([GITHUB]), delivery) == ""
    assert refusal(github([Secret(b"other")]), delivery) != ""


def test_githubs_older_signature_is_not_accepted() -> None:
    mac = reference.new(GITHUB.value, GITHUB_BODY, hashlib.sha1).hexdigest()

    assert (
        refusal(github([GITHUB]), Delivery({"x-hub-signature": f"sha1={mac}"}, GITHUB_BODY)) != ""
    )


def test_the_nexus_scheme_accepts_nexus_own_example() -> None:
    delivery = Delivery({"x-nexus-webhook-signature": NEXUS_SIGNATURE}, NEXUS_BODY)

    assert refusal(nexus([NEXUS]), delivery) == ""
    assert refusal(nexus([Secret(b"other")]), delivery) != ""


# circleci/circleci-docs, outbound-webhooks.adoc
@pytest.mark.parametrize(
    ("secret", "body", "signature"),
    [
        (
            "secret",
            "hello world",
            "v1=734cc62f32841568f45715aeb9f4d7891324e6d948e4c6c60c0621cdac48623a",
        ),
        (
            "another-secret",
            "lalala",
            "v1=daa220016c8f29a8b214fbfc3671aeec2145cfb1e6790184ffb38b6d0425fa00",
        ),
        (
            "hunter123",
            "an-important-request-payload",
            "v1=9be2242094a9a8c00c64306f382a7f9d691de910b4a266f67bd314ef18ac49fa",
        ),
    ],
)
def test_circlecis_signature_is_an_hmac_with_a_prefix(
    secret: str, body: str, signature: str
) -> None:
    authenticate = hmac("circleci-signature", [Secret(secret.encode())], prefix="v1=")

    assert refusal(authenticate, Delivery({"circleci-signature": signature}, body.encode())) == ""


@pytest.mark.parametrize(
    ("authenticate", "sent", "accepted"),
    [
        (jfrog([Secret(b"heron")]), "heron", True),
        (jfrog([Secret(b"heron")]), HEX, False),
        (jfrog([Secret(b"heron")], signed=True), HEX, True),
        (jfrog([Secret(b"heron")], signed=True), HEX.upper(), True),
        (jfrog([Secret(b"heron")], signed=True), "heron", False),
        (jfrog([Secret(b"heron")], signed=True), f"sha256={HEX}", False),
        (jfrog([Secret(b"heron")]), "", False),
    ],
)
def test_jfrog_sends_the_secret_or_signs_with_it(
    authenticate: Authenticate, sent: str, *, accepted: bool
) -> None:
    assert accepted == (refusal(authenticate, Delivery({JFROG: sent}, BODY)) == "")


@pytest.mark.parametrize("signed", [False, True])
def test_jfrogs_secrets_expire(*, signed: bool) -> None:
    authenticate = jfrog([Secret(b"new"), Secret(b"heron", not_after=NOW)], signed=signed)
    delivery = Delivery({JFROG: HEX if signed else "heron"}, BODY)

    assert refusal(authenticate, delivery, NOW - timedelta(seconds=1)) == ""
    assert refusal(authenticate, delivery, NOW) != ""
