"""Standard Webhooks and GitLab: a published vector, its tolerance, its rotation."""

import hashlib
import hmac as reference
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta

import pytest

from swrhook.auth import Authenticate, Secret
from swrhook.auth.standard_webhooks import gitlab, signing_key, standard_webhooks
from swrhook.senders.delivery import Delivery
from tests.auth.parts import refusal

# standard-webhooks/standard-webhooks, libraries/csharp, WebhookTest.cs
KEY = Secret(b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
SENT_AT = 1614265330
AT = datetime.fromtimestamp(SENT_AT, UTC)
NOT_ACCEPTED = "the signature in webhook-signature is missing or not accepted"
TOO_FAR = "webhook-timestamp is too far from this machine's time"
TOKEN = Secret("heron-märket".encode())


def signed(signature: str = SIGNATURE, *, body: bytes = BODY, **headers: str) -> Delivery:
    sent = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": str(SENT_AT),
        "webhook-signature": signature,
    }
    return Delivery(sent | {name.replace("_", "-"): v for name, v in headers.items()}, body)


SCHEMES = [standard_webhooks([KEY]), gitlab([KEY])]


@pytest.mark.parametrize("authenticate", SCHEMES)
def test_the_published_signature_is_accepted(authenticate: Authenticate) -> None:
    assert refusal(authenticate, signed(), AT) == ""


@pytest.mark.parametrize("authenticate", SCHEMES)
@pytest.mark.parametrize("off", [-300, 300])
def test_five_minutes_count_in_both_directions(authenticate: Authenticate, off: int) -> None:
    more = off + (1 if off > 0 else -1)

    assert refusal(authenticate, signed(), AT + timedelta(seconds=off)) == ""
    assert refusal(authenticate, signed(), AT + timedelta(seconds=more)) == TOO_FAR


def test_the_tolerance_is_a_setting() -> None:
    authenticate = standard_webhooks([KEY], timedelta(hours=1))

    assert refusal(authenticate, signed(), AT + timedelta(hours=1)) == ""
    assert refusal(authenticate, signed(), AT + timedelta(hours=1, seconds=1)) == TOO_FAR


@pytest.mark.parametrize("sent", ["", "x", "-1", "1614265330.0", "1" * 13, "\u0661", " 1614265330"])
def test_a_time_is_whole_seconds(sent: str) -> None:
    delivery = signed(webhook_timestamp=sent)

    assert "missing or malformed" in refusal(standard_webhooks([KEY]), delivery, AT)


def test_an_id_is_needed_and_signed() -> None:
    authenticate = standard_webhooks([KEY])

    assert "missing or malformed" in refusal(authenticate, signed(webhook_id=""), AT)
    assert refusal(authenticate, signed(webhook_id="msg_2"), AT) == NOT_ACCEPTED


@pytest.mark.parametrize(
    ("sent", "accepted"),
    [
        (f"v1,AAAA {SIGNATURE}", True),
        (f"v1a,AAAA  {SIGNATURE} v1,é", True),
        (SIGNATURE.replace("v1,", "v2,"), False),
        (SIGNATURE.removeprefix("v1,"), False),
        (SIGNATURE.lower(), False),
        (SIGNATURE[:-1], False),
        (f"{SIGNATURE},{SIGNATURE}", False),
        ("v1,", False),
        ("密 \ud800", False),
        ("", False),
    ],
)
def test_one_of_several_signatures_is_enough(sent: str, *, accepted: bool) -> None:
    words = "" if accepted else NOT_ACCEPTED

    assert words == refusal(standard_webhooks([KEY]), signed(sent), AT)


def test_another_body_time_or_key_is_refused() -> None:
    authenticate = standard_webhooks([KEY])

    assert refusal(authenticate, signed(body=BODY + b" "), AT) == NOT_ACCEPTED
    assert refusal(authenticate, signed(webhook_timestamp=str(SENT_AT + 1)), AT) == NOT_ACCEPTED
    assert refusal(standard_webhooks([Secret(b"whsec_AAAA")]), signed(), AT) == NOT_ACCEPTED


def test_every_secret_signs_until_it_expires() -> None:
    old = Secret(KEY.value, not_after=AT)
    for authenticate in (
        standard_webhooks([Secret(b"AAAA"), old]),
        gitlab([Secret(b"whsec_AAAA"), old]),
    ):
        assert refusal(authenticate, signed(), AT - timedelta(seconds=1)) == ""
        assert refusal(authenticate, signed(), AT) == NOT_ACCEPTED


@pytest.mark.parametrize(
    ("secret", "key"),
    [
        (KEY.value, b64decode(KEY.value[6:])),
        (KEY.value[6:], b64decode(KEY.value[6:])),
        (b"whsec_aGVyb24", b"heron"),
        (b"aGVyb24=", b"heron"),
        (b"whsec_", b""),
        (b"whsec_no base64", b""),
        (b"aGVyb", b""),
        ("密".encode(), b""),
    ],
)
def test_a_key_is_base64_with_or_without_prefix_and_padding(secret: bytes, key: bytes) -> None:
    assert key == signing_key(secret)


def test_a_secret_without_a_key_signs_nothing() -> None:
    content = b"msg_1." + str(SENT_AT).encode() + b"."
    mac = reference.new(b"", content, hashlib.sha256).digest()
    delivery = signed(f"v1,{b64encode(mac).decode()}", body=b"", webhook_id="msg_1")
    secrets = [Secret(b"whsec_"), Secret(b"whsec_?"), Secret(b"")]

    assert refusal(standard_webhooks(secrets), delivery, AT) == NOT_ACCEPTED
    assert refusal(gitlab(secrets), delivery, AT) == NOT_ACCEPTED


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_gitlabs_token_is_the_secret_verbatim(encoding: str) -> None:
    sent = TOKEN.value.decode().encode(encoding).decode("latin-1")

    assert refusal(gitlab([TOKEN]), Delivery({"x-gitlab-token": sent}, b""), AT) == ""


@pytest.mark.parametrize("sent", ["", "heron", "Bearer heron-märket", "heron-märket "])
def test_another_token_is_refused(sent: str) -> None:
    said = refusal(gitlab([TOKEN]), Delivery({"x-gitlab-token": sent}, b""), AT)

    assert said == "the header X-Gitlab-Token is missing or not accepted"


def test_a_token_is_enough_until_there_is_a_signature_that_can_be_checked() -> None:
    token = "heron-märket"
    forged = signed("v1,AAAA", x_gitlab_token=token)

    assert refusal(gitlab([TOKEN]), forged, AT) == ""
    assert refusal(gitlab([TOKEN, KEY]), forged, AT) == NOT_ACCEPTED
    assert refusal(gitlab([TOKEN, KEY]), signed(x_gitlab_token=token), AT) == ""
    assert refusal(gitlab([TOKEN, KEY]), signed("", x_gitlab_token=token), AT) == ""
    assert refusal(gitlab([TOKEN, KEY]), signed(x_gitlab_token="x"), AT) == ""


def test_a_key_for_signatures_is_no_token() -> None:
    delivery = Delivery({"x-gitlab-token": KEY.value.decode()}, b"")

    assert refusal(gitlab([KEY]), delivery, AT) != ""


def test_a_token_expires() -> None:
    delivery = Delivery({"x-gitlab-token": "heron"}, b"")
    authenticate = gitlab([Secret(b"heron", not_after=AT)])

    assert refusal(authenticate, delivery, AT - timedelta(seconds=1)) == ""
    assert refusal(authenticate, delivery, AT) != ""
