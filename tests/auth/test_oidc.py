"""Tokens of identity providers: signature, issuer, audience, claims and time are checked."""

from collections.abc import Sequence
from hmac import digest
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from swrhook.auth import Authenticate
from swrhook.auth.oidc import ALGORITHMS, GOOGLE, google_oidc, oidc
from swrhook.errors import KeysUnavailable
from swrhook.senders.delivery import Delivery
from tests.auth.messages import (
    ISSUER,
    NOW,
    FakeOutside,
    bearing,
    ec_key,
    jwk,
    refusal,
    rsa_key,
    token,
    well_known,
)

NOT_GENUINE = "the token is not genuine, or of another issuer or for another audience"
HS256, UNSIGNED = b'{"alg":"HS256","kid":"a"}', b'{"alg":"none","kid":"a"}'
NOT_IN_TIME = "the token has expired or is not valid yet"
AT = NOW.timestamp()
EMAIL = "pubsub@project.iam.gserviceaccount.com"
NO_KEY = "the token names no key, or its algorithm is not accepted"


def github(
    outside: FakeOutside | None = None, claims: dict[str, Sequence[str]] | None = None
) -> Authenticate:
    allowed = claims or {"repository": ["team/app", "team/web"]}
    return oidc(ISSUER, "swrhook", allowed, keys=outside or well_known())


def encoded(part: bytes) -> str:
    return jwt.utils.base64url_encode(part).decode()


def refusal_of(sent: str, outside: FakeOutside | None = None) -> str:
    return refusal(github(outside), bearing(sent))


def test_a_token_of_the_issuer_is_accepted() -> None:
    assert refusal_of(token()) == ""
    assert refusal_of(token("e", "ES256", ec_key())) == ""
    assert (
        refusal_of(token(aud=["other", "swrhook"], iat=NOW.timestamp(), nbf=NOW.timestamp())) == ""
    )


def test_no_accepted_algorithm_has_a_secret_key() -> None:
    assert [name for name in ALGORITHMS if name == "none" or name.startswith("HS")] == []


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://token.actions.example"},
        {"iss": f"{ISSUER}/"},
        {"iss": None},
        {"aud": "other"},
        {"aud": ["other"]},
        {"aud": None},
        {"aud": {"swrhook": 1}},
        {"aud": [1]},
        {"exp": None},
    ],
)
def test_a_token_of_another_issuer_or_for_another_audience_is_refused(
    changed: dict[str, Any],
) -> None:
    assert refusal_of(token(**changed)) == NOT_GENUINE


def test_a_token_signed_with_another_key_is_refused() -> None:
    assert refusal_of(token(key=rsa_key(1))) == NOT_GENUINE
    head, _, rest = token().partition(".")
    other = token(repository="evil/app").split(".")[1]

    assert refusal_of(f"{head}.{other}.{rest.partition('.')[2]}") == NOT_GENUINE


def test_a_key_is_accepted_only_with_its_own_algorithm() -> None:
    assert refusal_of(token("a", "RS512")) == NOT_GENUINE
    assert refusal_of(token("e", "RS256")) == NOT_GENUINE


def test_a_public_key_is_not_accepted_as_an_hmac_secret() -> None:
    """Two well-known attacks: the public key as an HMAC secret, and the algorithm `none`."""
    public = rsa_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    payload = token().split(".")[1]
    unsigned = f"{encoded(HS256)}.{payload}"

    assert (
        refusal_of(f"{unsigned}.{encoded(digest(public, unsigned.encode(), 'sha256'))}") == NO_KEY
    )
    assert refusal_of(f"{encoded(UNSIGNED)}.{payload}.") == NO_KEY


def test_no_key_is_fetched_for_a_token_that_cannot_be_genuine() -> None:
    outside = well_known()

    assert refusal_of(token(None), outside) == NO_KEY
    assert refusal_of(token(""), outside) == NO_KEY
    assert refusal_of("x", outside) == "the bearer token is missing, or not a signed token"
    assert outside.asked == []
    assert refusal_of(token("z"), outside).endswith("a key that its issuer does not have")
    assert outside.asked == [ISSUER]


@pytest.mark.parametrize("sent", ["", "x", "a.b.c", "é.é.é", "\ud800", "e30.e30.", "." * 99, "密"])
def test_a_malformed_token_is_refused(sent: str) -> None:
    assert refusal_of(sent) in (NO_KEY, "the bearer token is missing, or not a signed token")


def test_a_token_is_sent_as_a_bearer_token() -> None:
    assert refusal(github(), Delivery({"authorization": token()}, b"")) != ""
    assert refusal(github(), Delivery({}, b"")) != ""
    assert refusal(github(), Delivery({"authorization": f"bearer {token()}"}, b"")) == ""


@pytest.mark.parametrize(
    ("times", "accepted"),
    [
        ({"exp": AT - 59}, True),
        ({"exp": AT - 60}, False),
        ({"nbf": AT + 60}, True),
        ({"nbf": AT + 61}, False),
        ({"iat": AT + 60}, True),
        ({"iat": AT + 61}, False),
        ({"exp": int(AT) + 1}, True),
        ({"exp": 10**300}, True),
        ({"exp": 10**400}, True),
        ({"exp": -(10**400)}, False),
        ({"exp": float("nan")}, False),
        ({"nbf": float("nan")}, False),
        ({"exp": float("inf")}, True),
        ({"exp": True}, False),
        ({"exp": str(AT + 300)}, False),
        ({"iat": [AT]}, False),
    ],
)
def test_a_token_is_valid_in_its_time_with_a_minute_of_leeway(
    times: dict[str, Any], *, accepted: bool
) -> None:
    assert refusal_of(token(**times)) == ("" if accepted else NOT_IN_TIME)


@pytest.mark.parametrize(
    ("value", "accepted"),
    [
        ("team/app", True),
        ("team/web", True),
        ("team/app2", False),
        ("Team/app", False),
        (None, False),
        (["team/app"], False),
        (True, False),
        ({"team/app": 1}, False),
    ],
)
def test_a_claim_must_equal_an_allowed_value(value: Any, *, accepted: bool) -> None:
    words = "" if accepted else "the token's claim repository is missing or not an allowed one"

    assert refusal_of(token(repository=value)) == words


def test_every_configured_claim_is_checked() -> None:
    authenticate = github(claims={"repository": ["team/app"], "ref": ["refs/heads/main"]})

    assert refusal(authenticate, bearing(token(ref="refs/heads/main"))) == ""
    assert refusal(authenticate, bearing(token())) != ""
    assert refusal(authenticate, bearing(token(ref="refs/heads/dev"))) != ""


def test_unavailable_keys_are_not_a_refusal() -> None:
    class Down(FakeOutside):
        def signing_key(self, issuer: str, key_id: str) -> jwt.PyJWK | None:
            raise KeysUnavailable(f"{issuer}: {key_id}")

    with pytest.raises(KeysUnavailable):
        refusal_of(token(), Down())


def test_a_token_signed_with_a_short_key_is_refused() -> None:
    short = rsa.generate_private_key(65537, 1024)
    outside = FakeOutside(keys={(ISSUER, "s"): jwt.PyJWK(jwk(short, "s"))})
    header, payload = token("s").split(".")[:2]
    algorithm = jwt.get_algorithm_by_name("RS256")
    signed = algorithm.sign(f"{header}.{payload}".encode(), short)
    sent = f"{header}.{payload}.{encoded(signed)}"

    assert refusal_of(sent, outside) == NOT_GENUINE


def test_a_refusal_contains_no_part_of_the_token() -> None:
    sent = token(aud="other")

    assert not any(part in refusal_of(sent) for part in sent.split("."))


def refusal_of_google(**claims: Any) -> str:
    authenticate = google_oidc("swrhook", EMAIL, keys=well_known(GOOGLE))
    claims_of_google: dict[str, Any] = {
        "iss": GOOGLE,
        "email": EMAIL,
        "email_verified": True,
    } | claims
    return refusal(authenticate, bearing(token(**claims_of_google)))


@pytest.mark.parametrize("iss", [GOOGLE, "accounts.google.com"])
@pytest.mark.parametrize("email_verified", [True, "true"])
def test_googles_tokens_are_accepted(iss: str, email_verified: object) -> None:
    assert refusal_of_google(iss=iss, email_verified=email_verified) == ""


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "other@project.iam.gserviceaccount.com"},
        {"email": EMAIL.upper()},
        {"email": None},
        {"email": [EMAIL]},
        {"email_verified": False},
        {"email_verified": "false"},
        {"email_verified": 1},
        {"email_verified": None},
    ],
)
def test_another_account_of_google_is_refused(claims: dict[str, Any]) -> None:
    assert "of another account" in refusal_of_google(**claims)


def test_audience_issuer_and_expiry_of_googles_tokens_are_checked() -> None:
    assert refusal_of_google(aud="other") == NOT_GENUINE
    assert refusal_of_google(iss=ISSUER) == NOT_GENUINE
    assert refusal_of_google(exp=AT - 60) == NOT_IN_TIME
