"""The schemes by which a request carries the secret itself."""

from base64 import b64decode
from collections.abc import Callable, Sequence
from datetime import datetime

from swrhook.auth.secrets import Secret, matches_any, valid_values, wire_encodings
from swrhook.errors import Unauthenticated
from swrhook.senders.delivery import Delivery

Authenticate = Callable[[Delivery, datetime], None]


def header(header: str, secrets: Sequence[Secret]) -> Authenticate:
    """Accept a header whose whole value is a secret.

    In `Authorization`, `Bearer` may stand before it: Harbor's users type either.
    """
    name = header.lower()

    def authenticate(delivery: Delivery, now: datetime) -> None:
        sent = delivery.header(name)
        offered = wire_encodings(sent)
        if name == "authorization":
            offered += wire_encodings(header_credentials(sent, "bearer"))
        if not matches_any(offered, valid_values(secrets, now)):
            raise Unauthenticated(f"the header {header} is missing or not accepted")

    return authenticate


def bearer(secrets: Sequence[Secret]) -> Authenticate:
    """Accept `Authorization: Bearer SECRET`."""

    def authenticate(delivery: Delivery, now: datetime) -> None:
        offered = wire_encodings(header_credentials(delivery.header("authorization"), "bearer"))
        if not matches_any(offered, valid_values(secrets, now)):
            raise Unauthenticated("the bearer token is missing or not accepted")

    return authenticate


def basic(username: str, secrets: Sequence[Secret]) -> Authenticate:
    """Accept `Authorization: Basic` with the user's name and a secret as the password."""
    expected_user = [username.encode()]

    def authenticate(delivery: Delivery, now: datetime) -> None:
        sent = _decoded(header_credentials(delivery.header("authorization"), "basic"))
        user, _, password = sent.partition(":")
        is_user = matches_any(wire_encodings(user), expected_user)
        is_password = matches_any(wire_encodings(password), valid_values(secrets, now))
        if not (is_user and is_password):
            raise Unauthenticated("the user name or password is missing or not accepted")

    return authenticate


def path(secrets: Sequence[Secret]) -> Authenticate:
    """Accept a secret behind the sender's name in the URL."""

    def authenticate(delivery: Delivery, now: datetime) -> None:
        offered = wire_encodings(delivery.path_secret or "")
        if not matches_any(offered, valid_values(secrets, now)):
            raise Unauthenticated("the secret in the URL's path is missing or not accepted")

    return authenticate


def none() -> Authenticate:
    """Accept every request."""

    def authenticate(delivery: Delivery, now: datetime) -> None:
        del delivery, now

    return authenticate


def header_credentials(authorization: str, scheme: str) -> str:
    """Return what follows the scheme in an Authorization header, "" for another scheme."""
    said, _, rest = authorization.partition(" ")
    return rest.strip(" ") if said.lower() == scheme else ""


def _decoded(text: str) -> str:
    """Return the bytes in base64, one character each as in a header; "" for what is no base64."""
    try:
        return b64decode(text, validate=True).decode("latin-1")
    except ValueError:  # not ASCII, not base64, or its padding is wrong
        return ""
