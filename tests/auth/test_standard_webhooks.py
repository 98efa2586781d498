"""Standard Webhooks and GitLab: a published example, the tolerance, and key rotation."""

import hashlib
import hmac as reference
from base64 import b64decode, b64encode
from datetime import timedelta

import pytest

from swrhook.auth import Authenticate, Secret
from swrhook.auth.standard_webhooks import gitlab, signing_key, standard_webhooks
from swrhook.senders.delivery import Delivery
from tests.auth.messages import (
    WEBHOOK_BODY,
    WEBHOOK_KEY,
    WEBHOOK_SENT_AT,
    WEBHOOK_SIGNATURE,
    WEBHOOK_TIME,
    refusal,
    signed_webhook,
)

NOT_ACCEPTED = "the signature in webhook-signature is missing or not accepted"
TOO_FAR = "webhook-timestamp is too far from this machine's time"
TOKEN = Secret("heron-märket".encode())
SCHEMES = [standard_webhooks([WEBHOOK_KEY]), gitlab([WEBHOOK_KEY])]


@pytest.mark.parametrize("authenticate", SCHEMES)
def test_the_published_signature_is_accepted(authenticate: Authenticate) -> None:
    assert refusal(authenticate, signed_webhook(), WEBHOOK_TIME) == ""


@pytest.mark.parametrize("authenticate", SCHEMES)
@pytest.mark.parametrize("off", [-300, 300])
def test_a_time_up_to_five_minutes_off_is_accepted(authenticate: Authenticate, off: int) -> None:
    more = off + (1 if off > 0 else -1)

    assert refusal(authenticate, signed_webhook(), WEBHOOK_TIME + timedelta(seconds=off)) == ""
    assert (
        refusal(authenticate, signed_webhook(), WEBHOOK_TIME + timedelta(seconds=more)) == TOO_FAR
    )


def test_the_tolerance_can_be_set() -> None:
    authenticate = standard_webhooks([WEBHOOK_KEY], timedelta(hours=1))

    assert refusal(authenticate, signed_webhook(), WEBHOOK_TIME + timedelta(hours=1)) == ""
    assert (
        refusal(authenticate, signed_webhook(), WEBHOOK_TIME + timedelta(hours=1, seconds=1))
        == TOO_FAR
    )


@pytest.mark.parametrize("sent", ["", "x", "-1", "1614265330.0", "1" * 13, "\u0661", " 1614265330"])
def test_a_time_must_be_whole_seconds(sent: str) -> None:
    delivery = signed_webhook(webhook_timestamp=sent)

    assert "missing or malformed" in refusal(
        standard_webhooks([WEBHOOK_KEY]), delivery, WEBHOOK_TIME
    )


def test_an_id_is_required_and_signed() -> None:
    authenticate = standard_webhooks([WEBHOOK_KEY])

    assert "missing or malformed" in refusal(
        authenticate, signed_webhook(webhook_id=""), WEBHOOK_TIME
    )
    assert refusal(authenticate, signed_webhook(webhook_id="msg_2"), WEBHOOK_TIME) == NOT_ACCEPTED


@pytest.mark.parametrize(
    ("sent", "accepted"),
    [
        (f"v1,AAAA {WEBHOOK_SIGNATURE}", True),
        (f"v1a,AAAA  {WEBHOOK_SIGNATURE} v1,é", True),
        (WEBHOOK_SIGNATURE.replace("v1,", "v2,"), False),
        (WEBHOOK_SIGNATURE.removeprefix("v1,"), False),
        (WEBHOOK_SIGNATURE.lower(), False),
        (WEBHOOK_SIGNATURE[:-1], False),
        (f"{WEBHOOK_SIGNATURE},{WEBHOOK_SIGNATURE}", False),
        ("v1,", False),
        ("密 \ud800", False),
        ("", False),
    ],
)
def test_one_of_several_signatures_is_enough(sent: str, *, accepted: bool) -> None:
    words = "" if accepted else NOT_ACCEPTED

    assert words == refusal(standard_webhooks([WEBHOOK_KEY]), signed_webhook(sent), WEBHOOK_TIME)


def test_another_body_time_or_key_is_refused() -> None:
    authenticate = standard_webhooks([WEBHOOK_KEY])

    assert (
        refusal(authenticate, signed_webhook(body=WEBHOOK_BODY + b" "), WEBHOOK_TIME)
        == NOT_ACCEPTED
    )
    assert (
        refusal(
            authenticate, signed_webhook(webhook_timestamp=str(WEBHOOK_SENT_AT + 1)), WEBHOOK_TIME
        )
        == NOT_ACCEPTED
    )
    assert (
        refusal(standard_webhooks([Secret(b"whsec_AAAA")]), signed_webhook(), WEBHOOK_TIME)
        == NOT_ACCEPTED
    )


def test_a_signature_is_accepted_until_its_secret_expires() -> None:
    old = Secret(WEBHOOK_KEY.value, not_after=WEBHOOK_TIME)
    for authenticate in (
        standard_webhooks([Secret(b"AAAA"), old]),
        gitlab([Secret(b"whsec_AAAA"), old]),
    ):
        assert refusal(authenticate, signed_webhook(), WEBHOOK_TIME - timedelta(seconds=1)) == ""
        assert refusal(authenticate, signed_webhook(), WEBHOOK_TIME) == NOT_ACCEPTED


@pytest.mark.parametrize(
    ("secret", "key"),
    [
        (WEBHOOK_KEY.value, b64decode(WEBHOOK_KEY.value[6:])),
        (WEBHOOK_KEY.value[6:], b64decode(WEBHOOK_KEY.value[6:])),
        (b"whsec_aGVyb24", b"heron"),
        (b"aGVyb24=", b"heron"),
        (b"whsec_", b""),
        (b"whsec_no base64", b""),
        (b"aGVyb", b""),
        ("密".encode(), b""),
    ],
)
def test_a_key_is_base64_with_or_without_prefix_and_padding(secret: bytes, key: bytes) -> None:
    assert signing_key(secret) == key


def test_a_secret_without_a_key_accepts_no_signature() -> None:
    content = b"msg_1." + str(WEBHOOK_SENT_AT).encode() + b"."
    mac = reference.new(b"", content, hashlib.sha256).digest()
    delivery = signed_webhook(f"v1,{b64encode(mac).decode()}", body=b"", webhook_id="msg_1")
    secrets = [Secret(b"whsec_"), Secret(b"whsec_?"), Secret(b"")]

    assert refusal(standard_webhooks(secrets), delivery, WEBHOOK_TIME) == NOT_ACCEPTED
    assert refusal(gitlab(secrets), delivery, WEBHOOK_TIME) == NOT_ACCEPTED


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_gitlabs_token_is_the_secret_itself(encoding: str) -> None:
    sent = TOKEN.value.decode().encode(encoding).decode("latin-1")

    assert refusal(gitlab([TOKEN]), Delivery({"x-gitlab-token": sent}, b""), WEBHOOK_TIME) == ""


@pytest.mark.parametrize("sent", ["", "heron", "Bearer heron-märket", "heron-märket "])
def test_another_token_is_refused(sent: str) -> None:
    reason = refusal(gitlab([TOKEN]), Delivery({"x-gitlab-token": sent}, b""), WEBHOOK_TIME)

    assert reason == "the header X-Gitlab-Token is missing or not accepted"


def test_a_verifiable_signature_takes_precedence_over_the_token() -> None:
    token = "heron-märket"
    forged = signed_webhook("v1,AAAA", x_gitlab_token=token)

    assert refusal(gitlab([TOKEN]), forged, WEBHOOK_TIME) == ""
    assert refusal(gitlab([TOKEN, WEBHOOK_KEY]), forged, WEBHOOK_TIME) == NOT_ACCEPTED
    assert (
        refusal(gitlab([TOKEN, WEBHOOK_KEY]), signed_webhook(x_gitlab_token=token), WEBHOOK_TIME)
        == ""
    )
    assert (
        refusal(
            gitlab([TOKEN, WEBHOOK_KEY]), signed_webhook("", x_gitlab_token=token), WEBHOOK_TIME
        )
        == ""
    )
    assert (
        refusal(gitlab([TOKEN, WEBHOOK_KEY]), signed_webhook(x_gitlab_token="x"), WEBHOOK_TIME)
        == ""
    )


def test_a_signing_key_is_not_accepted_as_a_token() -> None:
    delivery = Delivery({"x-gitlab-token": WEBHOOK_KEY.value.decode()}, b"")

    assert refusal(gitlab([WEBHOOK_KEY]), delivery, WEBHOOK_TIME) != ""


def test_a_token_expires() -> None:
    delivery = Delivery({"x-gitlab-token": "heron"}, b"")
    authenticate = gitlab([Secret(b"heron", not_after=WEBHOOK_TIME)])

    assert refusal(authenticate, delivery, WEBHOOK_TIME - timedelta(seconds=1)) == ""
    assert refusal(authenticate, delivery, WEBHOOK_TIME) != ""
