"""Fetches and caches the keys of senders over HTTPS; implements swrhook.auth.ports.KeyProvider."""

from collections.abc import Callable, Mapping
from copy import copy
from typing import Protocol
from urllib.parse import urlsplit

from cryptography.x509 import Certificate, load_pem_x509_certificate
from jwt import PyJWK

from swrhook.auth.oidc import GOOGLE
from swrhook.auth.pinned_urls import is_certificate_url, is_confirmation_url
from swrhook.errors import FetchFailed, KeysUnavailable, Unconfirmed
from swrhook.sender_keys.cache import BoundedTtlCache
from swrhook.sender_keys.https import HttpsSettings, https_get
from swrhook.sender_keys.jwks import read_jwks_url, read_signing_keys
from swrhook.wording.message import say

MAX_KEY_AGE = 3600.0  # seconds
# In seconds. An issuer publishes a key before it signs with it, so a key id that a younger key set
# does not contain is made up, and no reason to fetch again.
UNKNOWN_KEY_REFETCH_INTERVAL = 60.0

# Fixed, so that no discovery document can point elsewhere.
_KNOWN_JWKS_URLS = {GOOGLE: "https://www.googleapis.com/oauth2/v3/certs"}
_DISCOVERY_PATH = "/.well-known/openid-configuration"


class CertificateStore(Protocol):
    """Keeps certificates (PEM) by their URLs over a restart, as far as it can."""

    def load(self, url: str, /) -> bytes | None:
        """Return a certificate, or None."""

    def save(self, url: str, content: bytes, /) -> None:
        """Keep a certificate."""


class HttpsKeyProvider:
    """Fetches and caches keys, and confirms subscriptions; safe to share between threads."""

    def __init__(
        self, settings: HttpsSettings, clock: Callable[[], float], store: CertificateStore
    ) -> None:
        """`clock` counts seconds and never goes back."""
        self._settings = settings
        self._store = store
        self._certificates = BoundedTtlCache(
            self._fetch_certificate, clock, recall=self._stored_certificate
        )
        self._key_sets = BoundedTtlCache(self._fetch_key_set, clock)
        self._sender = ""

    def for_sender(self, name: str) -> "HttpsKeyProvider":
        """Return the same provider, whose failed fetches count for this sender alone."""
        provider = copy(self)
        provider._sender = name  # noqa: SLF001  # its own class
        return provider

    def certificate(self, url: str, topic: str) -> Certificate:
        """Return the certificate at a URL pinned by the topic. Raises KeysUnavailable."""
        # The scheme has checked the URL, too. This holds for any other caller.
        if not is_certificate_url(url, topic):
            raise KeysUnavailable(say("the URL is not one of a sender's certificate"))
        return self._certificates.get(url, MAX_KEY_AGE, f"{self._sender} {urlsplit(url).netloc}")

    def signing_key(self, issuer: str, key_id: str) -> PyJWK | None:
        """Return the issuer's key with this id, or None. Raises KeysUnavailable."""
        keys = self._key_sets.get(issuer, MAX_KEY_AGE, issuer)
        if key_id not in keys:
            keys = self._key_sets.get(issuer, UNKNOWN_KEY_REFETCH_INTERVAL, issuer)
        return keys.get(key_id)

    def confirm_subscription(self, url: str, topic: str) -> None:
        """Confirm a subscription by one GET of a pinned URL. Raises Unconfirmed."""
        if not is_confirmation_url(url, topic):
            raise Unconfirmed("the URL is not one that confirms a subscription")
        try:
            https_get(url, self._settings)
        except FetchFailed as exc:
            raise Unconfirmed(f"the subscription is not confirmed: {exc}") from exc

    def _fetch_certificate(self, url: str) -> Certificate:
        content = https_get(url, self._settings)
        try:
            certificate = load_pem_x509_certificate(content)
        except ValueError as exc:
            raise FetchFailed(
                say("the file at the certificate's URL is not a certificate")
            ) from exc
        self._store.save(url, content)
        return certificate

    def _stored_certificate(self, url: str) -> Certificate | None:
        content = self._store.load(url)
        return None if content is None else load_pem_x509_certificate(content)

    def _fetch_key_set(self, issuer: str) -> Mapping[str, PyJWK]:
        url = _KNOWN_JWKS_URLS.get(issuer)
        if url is None:
            # Not pinned: the operator configures the issuer, and the issuer names this URL.
            document = https_get(issuer.removesuffix("/") + _DISCOVERY_PATH, self._settings)
            url = read_jwks_url(document, issuer)
        return read_signing_keys(https_get(url, self._settings), issuer)
