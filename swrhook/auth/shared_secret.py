"""Schemes in which a request carries the secret itself."""

from base64 import b64decode
from collections.abc import Sequence
from datetime import datetime

from swrhook.auth.ports import Authenticate
from swrhook.auth.secrets import Secret, matches_any, require_match, valid_values, wire_encodings
from swrhook.errors import Unauthenticated
from swrhook.senders.delivery import Delivery


def header(header: str, secrets: Sequence[Secret]) -> Authenticate:
    """Accept a header whose whole value is a secret; in `Authorization`, `Bearer` may precede it.

    Harbor's users type the value with `Bearer` or without.
    """
    name = header.lower()

    def authenticate(delivery: Delivery, now: datetime) -> None:
        value = delivery.header(name)
        token = [header_credentials(value, "bearer")] if name == "authorization" else []
        require_match([value, *token], valid_values(secrets, now), f"the header {header}")

    return authenticate


def bearer(secrets: Sequence[Secret]) -> Authenticate:
    """Accept `Authorization: Bearer SECRET`."""

    def authenticate(delivery: Delivery, now: datetime) -> None:
        token = header_credentials(delivery.header("authorization"), "bearer")
        require_match([token], valid_values(secrets, now), "the bearer token")

    return authenticate


def basic(username: str, secrets: Sequence[Secret]) -> Authenticate:
    """Accept `Authorization: Basic` with the user name and a secret as the password."""
    expected_user = [username.encode()]

    def authenticate(delivery: Delivery, now: datetime) -> None:
        credentials = header_credentials(delivery.header("authorization"), "basic")
        user, _, password = _decode_base64(credentials).partition(":")
        # Both are compared every time, so that the time does not reveal a right user name.
        is_user = matches_any(wire_encodings(user), expected_user)
        is_password = matches_any(wire_encodings(password), valid_values(secrets, now))
        if not (is_user and is_password):
            raise Unauthenticated("the user name or password is missing or not accepted")

    return authenticate


def path(secrets: Sequence[Secret]) -> Authenticate:
    """Accept a secret in the URL's path, after the sender's name."""

    def authenticate(delivery: Delivery, now: datetime) -> None:
        secret = delivery.path_secret or ""
        require_match([secret], valid_values(secrets, now), "the secret in the URL's path")

    return authenticate


def none() -> Authenticate:
    """Accept every request."""
    return lambda _delivery, _now: None


def header_credentials(authorization: str, scheme: str) -> str:
    """Return the credentials in an Authorization header, or "" if it has another scheme."""
    name, _, rest = authorization.partition(" ")
    return rest.strip(" ") if name.lower() == scheme else ""


def _decode_base64(text: str) -> str:
    """Return the decoded bytes as Latin-1, like a header; "" if the text is not base64."""
    try:
        return b64decode(text, validate=True).decode("latin-1")
    except ValueError:  # not ASCII, not base64, or its padding is wrong
        return ""
