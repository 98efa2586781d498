"""The types between authentication and its users; sender_keys implements KeyProvider."""

from collections.abc import Callable
from datetime import datetime
from typing import NoReturn, Protocol

from cryptography.x509 import Certificate
from jwt import PyJWK

from swrhook.errors import KeysUnavailable, Unconfirmed
from swrhook.senders.delivery import Delivery
from swrhook.wording.message import say

# Returns if the delivery is authentic at this time. Raises Unauthenticated or KeysUnavailable.
Authenticate = Callable[[Delivery, datetime], None]


class KeyProvider(Protocol):
    """Fetches the public keys of senders, and confirms subscriptions to their topics."""

    def for_sender(self, name: str, /) -> "KeyProvider":
        """Return the same provider, whose failed fetches count for this sender alone."""

    def certificate(self, url: str, topic: str, /) -> Certificate:
        """Return the certificate at a URL pinned by the topic. Raises KeysUnavailable."""

    def signing_key(self, issuer: str, key_id: str, /) -> PyJWK | None:
        """Return a public key of the issuer, or None if it has no such key.

        Raises KeysUnavailable.
        """

    def confirm_subscription(self, url: str, topic: str, /) -> None:
        """Confirm a subscription by a GET of a URL pinned by the topic. Raises Unconfirmed."""


class NoKeys:
    """A KeyProvider for code that only reads a configuration: it fetches nothing."""

    def for_sender(self, _name: str, /) -> "NoKeys":
        """Return itself."""
        return self

    def certificate(self, _url: str, _topic: str, /) -> NoReturn:
        """Raise KeysUnavailable."""
        raise KeysUnavailable(say("no certificate is fetched here"))

    def signing_key(self, _issuer: str, _key_id: str, /) -> NoReturn:
        """Raise KeysUnavailable."""
        raise KeysUnavailable(say("no key is fetched here"))

    def confirm_subscription(self, _url: str, _topic: str, /) -> NoReturn:
        """Raise Unconfirmed."""
        raise Unconfirmed("no subscription is confirmed here")


NO_KEYS = NoKeys()
