"""Schemes that are another one with a vendor's names, and their published signatures."""

import hashlib
import hmac as reference
from datetime import UTC, datetime, timedelta

import pytest

from swrhook.auth import Authenticate, Secret
from swrhook.auth.hmac_signature import github, hmac, jfrog, nexus
from swrhook.senders.delivery import Delivery
from tests.auth.parts import refusal
from tests.auth.test_signatures import (
    GITHUB,
    GITHUB_BODY,
    GITHUB_SIGNATURE,
    NEXUS,
    NEXUS_BODY,
    NEXUS_SIGNATURE,
)

NOW = datetime(2026, 7, 3, 12, tzinfo=UTC)
JFROG = "x-jfrog-event-auth"
BODY = b'{"domain":"docker"}'
HEX = reference.new(b"heron", BODY, hashlib.sha256).hexdigest()


def test_githubs_own_example_is_accepted() -> None:
    delivery = Delivery({"x-hub-signature-256": GITHUB_SIGNATURE}, GITHUB_BODY)

    assert refusal(github([GITHUB]), delivery) == ""
    assert refusal(github([Secret(b"other")]), delivery) != ""


def test_githubs_older_signature_does_not_count() -> None:
    mac = reference.new(GITHUB.value, GITHUB_BODY, hashlib.sha1).hexdigest()

    assert (
        refusal(github([GITHUB]), Delivery({"x-hub-signature": f"sha1={mac}"}, GITHUB_BODY)) != ""
    )


def test_nexus_own_example_is_accepted() -> None:
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
