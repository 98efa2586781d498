"""Every scheme accepts any request or raises Refused, for any headers, body and path."""

import json
from contextlib import suppress
from datetime import timedelta
from typing import Any

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from swrhook.auth import SCHEMES, Authenticate, Secret
from swrhook.auth.topics import confirm_smn, confirm_sns
from swrhook.errors import Refused, Unauthenticated
from swrhook.senders.delivery import Delivery
from tests.auth.messages import (
    ARN,
    ISSUER,
    NOW,
    SMN_CONFIRM,
    SMN_URL,
    SNS_CONFIRM,
    SNS_URL,
    URN,
    FakeOutside,
    rsa_key,
    smn_message,
    sns_message,
    token,
    well_known,
)

SECRETS = [
    Secret(b"heron-market"),
    Secret("密钥é".encode()),
    Secret(b""),
    Secret(b"old", NOW),
    Secret(b"whsec_aGVyb24="),
]
ARGUMENTS: dict[str, Any] = {
    "header": "X-Sig",
    "username": "ci",
    "secrets": SECRETS,
    "topic_arns": [ARN],
    "topic_urns": [URN],
    "issuer": ISSUER,
    "audience": "swrhook",
    "email": "a@example.com",
    "claims": {"repository": ["team/app"]},
}
HEADERS = [
    "authorization",
    "x-sig",
    "x-hub-signature-256",
    "x-gitlab-token",
    "x-jfrog-event-auth",
    "x-nexus-webhook-signature",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
]
SENT_AT = str(int(NOW.timestamp()))

texts = st.text(st.characters(exclude_categories=()), max_size=40)
pieces = st.sampled_from(["Bearer ", "Basic ", "basic", "sha256=", "v1,", SENT_AT])
tokens = st.builds("Bearer {}".format, st.sampled_from([token(), token("z"), token(aud=1)]))
values = texts | st.builds("{}{}{}".format, pieces, texts, texts) | st.just(SENT_AT) | tokens
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
MESSAGES = [make("SubscriptionConfirmation") for make in (sns_message, smn_message)]
parts = documents | st.sampled_from(
    [ARN, URN, SNS_URL, SMN_URL, SNS_CONFIRM, SMN_CONFIRM, "Notification", "1", "2", "v1"]
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Return a message of a topic of which some parts are something else."""
    message = draw(st.sampled_from(MESSAGES))
    changed = draw(st.dictionaries(st.sampled_from(sorted(message)), parts, max_size=3))
    return json.dumps(message | changed).encode()


deliveries = st.builds(
    Delivery,
    st.dictionaries(st.sampled_from(HEADERS) | texts, values, max_size=6),
    st.binary(max_size=40) | damaged(),
    st.none() | texts,
)


def built(name: str, outside: FakeOutside) -> Authenticate:
    scheme = SCHEMES[name]
    arguments = {key: ARGUMENTS[key] for key in scheme.required}
    return scheme.build(**arguments, **({"keys": outside} if scheme.needs_keys else {}))


@pytest.mark.parametrize("name", SCHEMES)
@settings(max_examples=100)
@given(outside=st.sampled_from([well_known(), FakeOutside()]), delivery=deliveries)
def test_any_request_is_accepted_or_refused(
    name: str, outside: FakeOutside, delivery: Delivery
) -> None:
    with suppress(Refused):
        built(name, outside)(delivery, NOW)


@pytest.mark.parametrize("confirm", [confirm_sns, confirm_smn])
@settings(max_examples=100)
@given(delivery=deliveries)
def test_only_a_pinned_url_is_requested(confirm: Any, delivery: Delivery) -> None:
    outside = FakeOutside()
    with suppress(Unauthenticated):
        confirm(outside, delivery)

    assert {SNS_CONFIRM, SMN_CONFIRM}.issuperset(outside.visited)


@settings(max_examples=100)
@given(
    st.dictionaries(
        st.sampled_from(["exp", "nbf", "iat", "aud", "iss", "sub", "jti", "repository"]),
        documents,
    )
)
def test_any_claims_of_a_genuine_token_are_accepted_or_refused(claims: dict[str, Any]) -> None:
    payload = {"iss": ISSUER, "aud": "swrhook", "exp": NOW.timestamp()} | claims
    # By hand: PyJWT makes no token with odd claims.
    head, *_ = token().split(".")
    body = jwt.utils.base64url_encode(json.dumps(payload).encode()).decode()
    signed = jwt.get_algorithm_by_name("RS256").sign(f"{head}.{body}".encode(), rsa_key())
    sent = f"Bearer {head}.{body}.{jwt.utils.base64url_encode(signed).decode()}"
    with suppress(Refused):
        built("oidc", well_known())(Delivery({"authorization": sent}, b""), NOW)


@pytest.mark.parametrize("encoding", ["hex", "base64"])
@given(delivery=deliveries)
def test_no_made_up_signature_is_accepted(encoding: str, delivery: Delivery) -> None:
    arguments = {"header": "X-Sig", "secrets": SECRETS, "algorithm": "sha512"}
    authenticate = SCHEMES["hmac"].build(**arguments, encoding=encoding)
    with pytest.raises(Unauthenticated):
        authenticate(delivery, NOW + timedelta(seconds=1))
