"""What a sender may say of its sender's proof, scheme by scheme."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from swrhook.config import Config, parse
from swrhook.errors import KeysUnavailable, Unauthenticated
from swrhook.senders.sender import Sender
from tests.auth.parts import (
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
BEARER = '{scheme: bearer, secrets: ["${TOKEN}"]}'
SNS = f"{{scheme: sns, topic_arns: {ARN}"
SMN = f"{{scheme: smn, topic_urns: [{URN}]"
CLAIMS = "claims: {repository: [team/app, team/web]}"
OIDC = f"{{scheme: oidc, issuer: {ISSUER}, audience: swrhook, "


@pytest.fixture
def configured(small: str, environ: dict[str, str]) -> Callable[..., Config]:
    def with_auth(auth: str, **more: Any) -> Config:
        content = small.replace(BEARER, auth).encode()
        return parse(content, file="f", environ=environ, read_file=lambda _path: "", **more)

    return with_auth


def sender(config: Config) -> Sender:
    return config.senders["harbor"]


def test_a_configuration_is_read_without_a_world_outside(configured: Callable[..., Config]) -> None:
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
def test_a_sender_asks_the_world_that_it_is_given(
    configured: Callable[..., Config], auth: str, delivery: Any
) -> None:
    outside = well_known()
    configured(auth, outside=outside)
    assert outside.asked == []

    sender(configured(auth, outside=outside)).authenticate(delivery, NOW)
    assert len(outside.asked) == 1


def test_a_tolerance_is_a_duration(configured: Callable[..., Config]) -> None:
    auth = f"{{scheme: standard-webhooks, secrets: {WEBHOOK_KEY.value.decode()}, tolerance: 1h}}"

    sender(configured(auth)).authenticate(signed_webhook(), WEBHOOK_TIME + timedelta(hours=1))


@pytest.mark.parametrize("scheme", ["github", "nexus", "jfrog", "gitlab"])
def test_the_vendors_schemes_need_only_secrets(
    configured: Callable[..., Config], scheme: str
) -> None:
    found = sender(configured(f"{{scheme: {scheme}, secrets: [a, b]}}"))
    with pytest.raises(Unauthenticated):
        found.authenticate(bearing("c"), NOW)
    assert found.confirm is None


def test_a_google_account_is_named(configured: Callable[..., Config]) -> None:
    auth = "{scheme: google-oidc, audience: swrhook, email: a@b.iam.gserviceaccount.com}"
    with pytest.raises(Unauthenticated):
        sender(configured(auth)).authenticate(bearing("x"), NOW)


CASES = [
    (
        f"{SNS[:-1]}*}}",
        f"topic_arns: «{ARN[:-1]}*» is no topic of SNS: write arn:aws:sns:REGION:ACCOUNT:NAME",
    ),
    (
        f"{{scheme: smn, topic_urns: [{ARN}]}}",
        f"topic_urns[0]: «{ARN}» is no topic of SMN: write urn:smn:REGION:PROJECT:NAME",
    ),
    ("{scheme: sns, topic_arns: []}", "topic_arns: is an empty list: write at least one value"),
    ("{scheme: sns}", "topic_arns: is missing"),
    (f'{SNS}, confirm: "yes"}}', "confirm: must be true or false, without quotes"),
    (
        "{scheme: jfrog, secrets: a, signed: 1}",
        "signed: must be true or false, without quotes",
    ),
    ("{scheme: github, secrets: a, confirm: true}", "there is no such key: known are scheme, sec"),
    (
        "{scheme: standard-webhooks, secrets: whsec_ä}",
        "secrets: must be base64, mostly behind «whsec_», as the sender shows it",
    ),
    ("{scheme: gitlab, secrets: [a, whsec_?]}", "secrets[1]: must be base64, mostly behind"),
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


@pytest.mark.parametrize(("auth", "said"), CASES)
def test_a_mistake_is_told(auth: str, said: str, small: str, mistakes: Mistakes) -> None:
    (mistake,) = mistakes(small.replace(BEARER, auth))

    assert said in mistake
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
def test_an_issuer_is_an_https_address(issuer: str, small: str, mistakes: Mistakes) -> None:
    auth = f'{{scheme: oidc, issuer: "{issuer}", audience: a, {CLAIMS}}}'
    (mistake,) = mistakes(small.replace(BEARER, auth))

    assert mistake.endswith("issuer: must be an address like https://host or https://host/path")
    assert "sesame" not in mistake


@pytest.mark.parametrize("path", ["", "/", "/tenant/v2.0", ":8443/realms/a"])
def test_an_issuer_may_have_a_path(configured: Callable[..., Config], path: str) -> None:
    issuer = f"https://issuer.example.com{path}"
    auth = f"{{scheme: oidc, issuer: '{issuer}', audience: swrhook, {CLAIMS}}}"
    outside = well_known(issuer)
    sender(configured(auth, outside=outside)).authenticate(bearing(token(iss=issuer)), NOW)

    assert [issuer] == outside.asked


@pytest.mark.parametrize("name", ["X-Request-Id", "user-agent"])
def test_a_header_that_is_kept_cannot_carry_a_secret(
    mistakes: Mistakes, small: str, name: str
) -> None:
    auth = f'{{scheme: header, header: {name}, secrets: ["${{TOKEN}}"]}}'
    (said,) = mistakes(small.replace(BEARER, auth))

    assert "is kept with each delivery, where no secret may be: name another" in said
