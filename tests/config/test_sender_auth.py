"""The key `auth` of a sender, scheme by scheme."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from swrhook.config import Config
from swrhook.errors import KeysUnavailable, Unauthenticated
from swrhook.senders.sender import Sender
from tests.auth.messages import (
    ARN,
    ISSUER,
    NOW,
    URN,
    WEBHOOK_KEY,
    WEBHOOK_TIME,
    bearing,
    posted,
    signed_webhook,
    smn_message,
    sns_message,
    token,
    well_known,
)

Mistakes = Callable[[str | bytes], list[str]]
WithAuth = Callable[[str], str]
SNS = f"{{scheme: sns, topic_arns: {ARN}"
SMN = f"{{scheme: smn, topic_urns: [{URN}]"
CLAIMS = "claims: {repository: [team/app, team/web]}"
OIDC = f"{{scheme: oidc, issuer: {ISSUER}, audience: swrhook, "


def sender(config: Config) -> Sender:
    return config.senders["harbor"]


def test_without_a_key_provider_no_signature_can_be_checked(
    configured: Callable[..., Config],
) -> None:
    with pytest.raises(KeysUnavailable):
        sender(configured(f"{SNS}}}")).authenticate(posted(sns_message()), NOW)


@pytest.mark.parametrize(
    ("auth", "delivery"),
    [
        (f"{SNS}}}", posted(sns_message())),
        (f"{SMN}}}", posted(smn_message())),
        (f"{OIDC}{CLAIMS}}}", bearing(token())),
    ],
)
def test_a_sender_fetches_keys_only_once_it_delivers(
    configured: Callable[..., Config], auth: str, delivery: Any
) -> None:
    key_provider = well_known()
    configured(auth, key_provider=key_provider)
    assert key_provider.asked == []

    sender(configured(auth, key_provider=key_provider)).authenticate(delivery, NOW)
    assert len(key_provider.asked) == 1


def test_a_tolerance_is_a_duration(configured: Callable[..., Config]) -> None:
    auth = f"{{scheme: standard-webhooks, secrets: {WEBHOOK_KEY.value.decode()}, tolerance: 1h}}"

    sender(configured(auth)).authenticate(signed_webhook(), WEBHOOK_TIME + timedelta(hours=1))


@pytest.mark.parametrize("scheme", ["github", "nexus", "jfrog", "gitlab"])
def test_the_schemes_of_vendors_need_only_secrets(
    configured: Callable[..., Config], scheme: str
) -> None:
    configured_sender = sender(
        configured(f"{{scheme: {scheme}, secrets: [a, b], allow_weak: true}}")
    )
    with pytest.raises(Unauthenticated):
        configured_sender.authenticate(bearing("c"), NOW)
    assert configured_sender.confirm is None


def test_google_oidc_needs_an_email(configured: Callable[..., Config]) -> None:
    auth = "{scheme: google-oidc, audience: swrhook, email: a@b.iam.gserviceaccount.com}"
    with pytest.raises(Unauthenticated):
        sender(configured(auth)).authenticate(bearing("x"), NOW)


CASES = [
    (
        f"{SNS[:-1]}*}}",
        f'topic_arns: "{ARN[:-1]}*" is not a topic of SNS: write arn:aws:sns:REGION:ACCOUNT:NAME',
    ),
    (
        f"{{scheme: smn, topic_urns: [{ARN}]}}",
        f'topic_urns[0]: "{ARN}" is not a topic of SMN: write urn:smn:REGION:PROJECT:NAME',
    ),
    ("{scheme: sns, topic_arns: []}", "topic_arns: is an empty list: write at least one value"),
    ("{scheme: sns}", "topic_arns: is missing"),
    (f'{SNS}, confirm: "yes"}}', "confirm: must be true or false, without quotes"),
    (
        "{scheme: jfrog, secrets: a, allow_weak: true, signed: 1}",
        "signed: must be true or false, without quotes",
    ),
    (
        "{scheme: github, secrets: a, allow_weak: true, confirm: true}",
        "there is no such key: known are scheme, sec",
    ),
    (
        "{scheme: standard-webhooks, secrets: whsec_ä, allow_weak: true}",
        'secrets: must be base64, usually after "whsec_", as the sender displays it',
    ),
    (
        "{scheme: gitlab, secrets: [a, whsec_?], allow_weak: true}",
        "secrets[1]: must be base64, usually after",
    ),
    (
        f"{{scheme: standard-webhooks, secrets: {WEBHOOK_KEY.value.decode()}, tolerance: 0s}}",
        "tolerance: must be at least 1s",
    ),
    (f"{OIDC}claims: {{}}}}", "claims: is empty: write at least one name"),
    (f"{OIDC[:-2]}}}", "claims: is missing"),
    (f"{OIDC}claims: {{ref: []}}}}", "claims.ref: is an empty list: write at least one value"),
    (f"{OIDC}claims: {{ref: 1}}}}", "claims.ref: must be text, not a number: put it in quotes"),
    (
        '{scheme: google-oidc, audience: "a\\nb", email: a}',
        "audience: must be printable characters, on one line",
    ),
]


@pytest.mark.parametrize(("auth", "message"), CASES)
def test_a_mistake_in_a_scheme_is_reported(
    auth: str, message: str, with_auth: WithAuth, mistakes: Mistakes
) -> None:
    (mistake,) = mistakes(with_auth(auth))

    assert message in mistake
    assert "senders.harbor.auth" in mistake


@pytest.mark.parametrize(
    "issuer",
    [
        "http://issuer.example.com",
        "http://localhost",
        "https://user:sesame@issuer.example.com",
        "https://issuer.example.com?a=sesame",
        "https://issuer.example.com/#sesame",
        "https://",
        "https://issuer example.com",
        "issuer.example.com",
        "accounts.google.com",
    ],
)
def test_an_issuer_is_an_https_url(issuer: str, with_auth: WithAuth, mistakes: Mistakes) -> None:
    auth = f'{{scheme: oidc, issuer: "{issuer}", audience: a, {CLAIMS}}}'
    (mistake,) = mistakes(with_auth(auth))

    assert mistake.endswith("issuer: must be an address like https://host or https://host/path")
    assert "sesame" not in mistake


@pytest.mark.parametrize("path", ["", "/", "/tenant/v2.0", ":8443/realms/a"])
def test_an_issuer_may_have_a_path(configured: Callable[..., Config], path: str) -> None:
    issuer = f"https://issuer.example.com{path}"
    auth = f"{{scheme: oidc, issuer: '{issuer}', audience: swrhook, {CLAIMS}}}"
    key_provider = well_known(issuer)
    sender(configured(auth, key_provider=key_provider)).authenticate(
        bearing(token(iss=issuer)), NOW
    )

    assert key_provider.asked == [issuer]


def test_a_header_that_gunicorn_drops_cannot_carry_a_secret(
    mistakes: Mistakes, with_auth: WithAuth
) -> None:
    auth = '{scheme: header, header: X_Secret, secrets: ["${TOKEN}"]}'
    (mistake,) = mistakes(with_auth(auth))

    assert '"X_Secret" never arrives: gunicorn drops headers with "_" in their name' in mistake


@pytest.mark.parametrize("name", ["X-Request-Id", "user-agent"])
def test_a_stored_header_cannot_carry_a_secret(
    mistakes: Mistakes, with_auth: WithAuth, name: str
) -> None:
    auth = f'{{scheme: header, header: {name}, secrets: ["${{TOKEN}}"]}}'
    (mistake,) = mistakes(with_auth(auth))

    assert "is stored with each delivery, so it cannot carry a secret: use another" in mistake
