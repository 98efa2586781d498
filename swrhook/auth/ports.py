"""What authentication asks of the world outside; swrhook.sender_keys answers."""

from typing import NoReturn, Protocol

from cryptography.x509 import Certificate
from jwt import PyJWK

from swrhook.errors import KeysUnavailable, Unconfirmed


class KeyProvider(Protocol):
    """Whoever fetches the keys of senders, and confirms subscriptions to their topics."""

    def certificate(self, url: str) -> Certificate:
        """Return the certificate at an address in `pins`. Raises KeysUnavailable."""

    def signing_key(self, issuer: str, key_id: str) -> PyJWK | None:
        """Return a key by which the issuer signs; None for no such. Raises KeysUnavailable."""

    def confirm_subscription(self, url: str) -> None:
        """Confirm a subscription at an address in `pins`. Raises Unconfirmed."""


class NoKeys:
    """For who only reads a configuration: nothing is fetched."""

    def certificate(self, url: str) -> NoReturn:
        """Raise KeysUnavailable."""
        del url
        raise KeysUnavailable("no certificate is fetched here")

    def signing_key(self, issuer: str, key_id: str) -> NoReturn:
        """Raise KeysUnavailable."""
        del issuer, key_id
        raise KeysUnavailable("no key is fetched here")

    def confirm_subscription(self, url: str) -> NoReturn:
        """Raise Unconfirmed."""
        del url
        raise Unconfirmed("no subscription is confirmed here")


NO_KEYS = NoKeys()
