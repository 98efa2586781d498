"""Tokens of Google: of one service account, whose address Google has verified."""

from typing import Any

import pytest

from swrhook.auth.oidc import GOOGLE, google_oidc
from tests.auth.parts import (
    ISSUER,
    NOW,
    bearing,
    refusal,
    token,
    well_known,
)

EMAIL = "pubsub@project.iam.gserviceaccount.com"
NOT_GENUINE = "the token is not genuine, or of another issuer or for another audience"
NOT_IN_TIME = "the token has expired or is not valid yet"


AT = NOW.timestamp()


def said_of_google(**claims: Any) -> str:
    authenticate = google_oidc("swrhook", EMAIL, outside=well_known(GOOGLE))
    said: dict[str, Any] = {"iss": GOOGLE, "email": EMAIL, "email_verified": True} | claims
    return refusal(authenticate, bearing(token(**said)))


@pytest.mark.parametrize("iss", [GOOGLE, "accounts.google.com"])
@pytest.mark.parametrize("email_verified", [True, "true"])
def test_googles_tokens_are_accepted(iss: str, email_verified: object) -> None:
    assert said_of_google(iss=iss, email_verified=email_verified) == ""


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
    assert "of another account" in said_of_google(**claims)


def test_google_says_for_whom_and_until_when() -> None:
    assert said_of_google(aud="other") == NOT_GENUINE
    assert said_of_google(iss=ISSUER) == NOT_GENUINE
    assert said_of_google(exp=AT - 60) == NOT_IN_TIME
