"""The world outside, as authentication sees it: swrhook.auth.ports declares what is asked."""

from collections.abc import Callable, Mapping

from cryptography.x509 import Certificate, load_pem_x509_certificate
from jwt import PyJWK

from swrhook.auth.oidc import GOOGLE
from swrhook.auth.pinned_urls import is_certificate_url, is_confirmation_url
from swrhook.errors import FetchFailed, Unconfirmed
from swrhook.sender_keys.cache import BoundedTtlCache
from swrhook.sender_keys.https_get import HttpsSettings, https_get
from swrhook.sender_keys.jwks import read_jwks_url, read_signing_keys

MAX_KEY_AGE = 3600.0
# An issuer announces a key before it signs with it: within this time of a fetch, a key that is
# not known is made up.
UNKNOWN_KEY_REFETCH_INTERVAL = 60.0

# Known, and so the same whatever a discovery document says.
_ADDRESSES = {GOOGLE: "https://www.googleapis.com/oauth2/v3/certs"}
_DISCOVERY = "/.well-known/openid-configuration"


class HttpsKeyProvider:
    """Fetches keys and remembers them, confirms subscriptions; safe to use by many threads."""

    def __init__(self, way: HttpsSettings, clock: Callable[[], float]) -> None:
        """Take how addresses are reached, and a clock in seconds that never goes back."""
        self._way = way
        self._certificates = BoundedTtlCache(self._fetch_certificate, clock)
        self._keys = BoundedTtlCache(self._fetch_keys, clock)

    def certificate(self, url: str) -> Certificate:
        """Return the certificate at a pinned address. Raises KeysUnavailable."""
        return self._certificates.get(url, MAX_KEY_AGE)

    def signing_key(self, issuer: str, key_id: str) -> PyJWK | None:
        """Return the issuer's key with this id; None for no such. Raises KeysUnavailable."""
        keys = self._keys.get(issuer, MAX_KEY_AGE)
        if key_id not in keys:
            keys = self._keys.get(issuer, UNKNOWN_KEY_REFETCH_INTERVAL)
        return keys.get(key_id)

    def confirm_subscription(self, url: str) -> None:
        """Confirm a subscription at a pinned address, once. Raises Unconfirmed."""
        if not is_confirmation_url(url):
            raise Unconfirmed("no subscription is confirmed at such an address")
        try:
            https_get(url, self._way)
        except FetchFailed as exc:
            raise Unconfirmed(f"the subscription is not confirmed: {exc}") from exc

    def _fetch_certificate(self, url: str) -> Certificate:
        # The scheme has looked already; nothing else is fetched, whoever asks.
        if not is_certificate_url(url):
            raise FetchFailed("no sender keeps a certificate at such an address")
        content = https_get(url, self._way)
        try:
            return load_pem_x509_certificate(content)
        except ValueError as exc:
            raise FetchFailed("what the sender names as its certificate is none") from exc

    def _fetch_keys(self, issuer: str) -> Mapping[str, PyJWK]:
        address = _ADDRESSES.get(issuer)
        if address is None:
            # Only the operator names issuers, and an issuer where its keys are.
            document = https_get(issuer.removesuffix("/") + _DISCOVERY, self._way)
            address = read_jwks_url(document, issuer)
        return read_signing_keys(https_get(address, self._way), issuer)
