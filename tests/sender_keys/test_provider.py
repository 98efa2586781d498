"""Keys are fetched from the right URLs, over HTTPS, and no more often than necessary."""

import json

import pytest

from swrhook.auth.oidc import GOOGLE
from swrhook.errors import KeysUnavailable, Unconfirmed
from swrhook.sender_keys import HttpsKeyProvider, HttpsSettings
from tests.auth.messages import (
    ARN,
    SMN_CONFIRM,
    SMN_URL,
    SNS_CONFIRM,
    SNS_URL,
    URN,
    certificate,
    jwk,
    pem,
    rsa_key,
)
from tests.sender_keys.loopback import Loopback, Reply

ISSUER = "https://issuer.example.com/tenant"
DISCOVERY = f"{ISSUER}/.well-known/openid-configuration"
KEYS = "https://keys.example.com/jwks"
GOOGLES_KEYS = "https://www.googleapis.com/oauth2/v3/certs"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


class FakeStore(dict[str, bytes]):
    """Keeps certificates as the ledger does."""

    def load(self, url: str) -> bytes | None:
        return self.get(url)

    def save(self, url: str, content: bytes) -> None:
        self[url] = content


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
def provider(settings: HttpsSettings, clock: Clock, store: FakeStore) -> HttpsKeyProvider:
    return HttpsKeyProvider(settings, clock, store)


def published(*key_ids: str) -> Reply:
    keys = [jwk(rsa_key(), key_id) for key_id in key_ids]
    return Reply(json.dumps({"keys": keys}).encode())


def discovery(issuer: str = ISSUER, address: str = KEYS) -> Reply:
    return Reply(json.dumps({"issuer": issuer, "jwks_uri": address}).encode())


@pytest.mark.parametrize(("url", "topic"), [(SNS_URL, ARN), (SMN_URL, URN)])
def test_a_certificate_is_fetched_once_an_hour(
    loopback: Loopback, provider: HttpsKeyProvider, clock: Clock, url: str, topic: str
) -> None:
    loopback.answers[url] = Reply(pem(certificate()))
    for _ in range(3):
        assert certificate().public_key() == provider.certificate(url, topic).public_key()
    assert loopback.asked == [url]

    clock.now += 3600
    provider.certificate(url, topic)
    assert loopback.asked == [url, url]


@pytest.mark.parametrize("url", [SNS_CONFIRM, DISCOVERY, "https://127.0.0.1/", ""])
def test_no_certificate_is_fetched_from_another_url(
    loopback: Loopback, provider: HttpsKeyProvider, url: str
) -> None:
    with pytest.raises(KeysUnavailable, match="not one of a sender's certificate"):
        provider.certificate(url, ARN)

    assert loopback.asked == []


@pytest.mark.parametrize("reply", [Reply(b"<html>"), Reply(b""), Reply(status=404)])
def test_a_file_that_is_not_a_certificate_is_fetched_once(
    loopback: Loopback, provider: HttpsKeyProvider, reply: Reply
) -> None:
    loopback.answers[SNS_URL] = reply
    for _ in range(3):
        with pytest.raises(KeysUnavailable):
            provider.certificate(SNS_URL, ARN)

    assert loopback.asked == [SNS_URL]


def use_up_fetches(provider: HttpsKeyProvider) -> None:
    """Ask for made-up certificates, as unsigned messages do, until no more are fetched."""
    for number in range(50):
        with pytest.raises(KeysUnavailable):
            provider.certificate(SNS_URL.replace("f3ecfb", f"{number:06}"), ARN)


def test_junk_for_one_sender_or_host_blocks_no_other(
    loopback: Loopback, provider: HttpsKeyProvider
) -> None:
    loopback.answers |= {url: Reply(pem(certificate())) for url in (SNS_URL, SMN_URL)}
    attacked, other = provider.for_sender("attacked"), provider.for_sender("other")
    use_up_fetches(attacked)

    assert len(loopback.asked) == 10
    with pytest.raises(KeysUnavailable, match="too many unknown keys"):
        attacked.certificate(SNS_URL, ARN)
    assert attacked.certificate(SMN_URL, URN) is not None
    assert other.certificate(SNS_URL, ARN) is not None


def test_a_certificate_outlives_the_process_and_then_needs_no_fetch(
    loopback: Loopback, settings: HttpsSettings, store: FakeStore
) -> None:
    loopback.answers[SNS_URL] = Reply(pem(certificate()))
    HttpsKeyProvider(settings, Clock(), store).certificate(SNS_URL, ARN)

    restarted = HttpsKeyProvider(settings, Clock(), store)
    use_up_fetches(restarted)

    assert restarted.certificate(SNS_URL, ARN) is not None
    assert list(store) == [SNS_URL]
    assert loopback.asked.count(SNS_URL) == 1


def test_an_issuers_keys_are_fetched_from_its_jwks_uri(
    loopback: Loopback, provider: HttpsKeyProvider
) -> None:
    loopback.answers |= {DISCOVERY: discovery(), KEYS: published("a", "b")}

    assert provider.signing_key(ISSUER, "a") is not None
    assert provider.signing_key(ISSUER, "b") is not None
    assert loopback.asked == [DISCOVERY, KEYS]


def test_an_issuer_may_end_with_a_slash(loopback: Loopback, provider: HttpsKeyProvider) -> None:
    loopback.answers |= {DISCOVERY: discovery(f"{ISSUER}/"), KEYS: published("a")}

    assert provider.signing_key(f"{ISSUER}/", "a") is not None


def test_googles_keys_have_a_fixed_url(loopback: Loopback, provider: HttpsKeyProvider) -> None:
    loopback.answers[GOOGLES_KEYS] = published("a")

    assert provider.signing_key(GOOGLE, "a") is not None
    assert loopback.asked == [GOOGLES_KEYS]


def test_an_unknown_key_id_refetches_the_keys_at_most_once_a_minute(
    loopback: Loopback, provider: HttpsKeyProvider, clock: Clock
) -> None:
    loopback.answers[GOOGLES_KEYS] = published("a")
    provider.signing_key(GOOGLE, "a")
    loopback.answers[GOOGLES_KEYS] = published("a", "b")
    assert provider.signing_key(GOOGLE, "b") is None
    clock.now += 60
    assert provider.signing_key(GOOGLE, "b") is not None
    for number in range(20):
        assert provider.signing_key(GOOGLE, f"made-up-{number}") is None

    assert len(loopback.asked) == 2


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {DISCOVERY: discovery()},
        {DISCOVERY: discovery("https://other.example.com"), KEYS: published("a")},
        {DISCOVERY: discovery(address="http://keys.example.com/jwks"), KEYS: published("a")},
        {DISCOVERY: Reply(b"", 302, {"Location": KEYS}), KEYS: discovery()},
        {DISCOVERY: discovery(), KEYS: published()},
        {DISCOVERY: discovery(), KEYS: Reply(b"<html>")},
    ],
)
def test_keys_that_cannot_be_fetched_are_unavailable_for_a_while(
    loopback: Loopback, provider: HttpsKeyProvider, clock: Clock, answers: dict[str, Reply]
) -> None:
    loopback.answers |= answers
    with pytest.raises(KeysUnavailable):
        provider.signing_key(ISSUER, "a")
    asked = len(loopback.asked)
    with pytest.raises(KeysUnavailable):
        provider.signing_key(ISSUER, "b")
    assert asked == len(loopback.asked)

    loopback.answers |= {DISCOVERY: discovery(), KEYS: published("a")}
    clock.now += 30
    assert provider.signing_key(ISSUER, "a") is not None


def test_cached_keys_bridge_an_outage_of_less_than_an_hour(
    loopback: Loopback, provider: HttpsKeyProvider, clock: Clock
) -> None:
    loopback.answers[GOOGLES_KEYS] = published("a")
    provider.signing_key(GOOGLE, "a")
    del loopback.answers[GOOGLES_KEYS]
    clock.now += 3599

    with pytest.raises(KeysUnavailable):
        provider.signing_key(GOOGLE, "b")
    assert provider.signing_key(GOOGLE, "a") is not None


@pytest.mark.parametrize(("url", "topic"), [(SNS_CONFIRM, ARN), (SMN_CONFIRM, URN)])
def test_a_subscription_is_confirmed_by_one_request(
    loopback: Loopback, provider: HttpsKeyProvider, url: str, topic: str
) -> None:
    loopback.answers[url] = Reply(b"<ConfirmSubscriptionResponse/>")
    provider.confirm_subscription(url, topic)

    assert loopback.asked == [url]


@pytest.mark.parametrize("reply", [Reply(status=403), Reply(b"", 302, {"Location": SMN_CONFIRM})])
def test_the_error_of_a_failed_confirmation_contains_no_token(
    loopback: Loopback, provider: HttpsKeyProvider, reply: Reply
) -> None:
    loopback.answers[SNS_CONFIRM] = reply
    with pytest.raises(Unconfirmed) as caught:
        provider.confirm_subscription(SNS_CONFIRM, ARN)

    assert "2336412f37" not in f"{caught.value} {caught.value.__cause__!r}"
    assert loopback.asked == [SNS_CONFIRM]


@pytest.mark.parametrize("url", [SNS_URL, DISCOVERY, "https://127.0.0.1/", ""])
def test_no_other_url_is_requested(
    loopback: Loopback, provider: HttpsKeyProvider, url: str
) -> None:
    with pytest.raises(Unconfirmed):
        provider.confirm_subscription(url, ARN)

    assert loopback.asked == []
