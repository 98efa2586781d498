"""Asks the identity provider who a user is: OpenID Connect's code flow with PKCE, by Authlib.

Every request to it is bounded, and nothing that it issues is kept.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import quote_plus, urlencode

from swrhook.auth.ports import KeyProvider
from swrhook.config.sso import Sso
from swrhook.errors import FetchFailed, Unauthenticated, Undecodable
from swrhook.sender_keys.cache import BoundedTtlCache
from swrhook.sender_keys.https import HttpsSettings, https_get, https_post
from swrhook.senders.payload import Json, decode, get
from swrhook.sso.discovery import DISCOVERY_PATH, ProviderMetadata, read_metadata
from swrhook.sso.identity import Identity, find_claim, read_identity
from swrhook.wording.message import say

CALLBACK_PATH = "/sign-in/callback"
SIGNED_OUT_PATH = "/sign-in"
_ERROR_CODE = re.compile(r"[a-z_]{1,60}")
MAX_METADATA_AGE = 3600.0  # seconds
# What a provider answers if it knows this service under another id or secret.
_OUR_FAULTS = ("invalid_client", "unauthorized_client", "unsupported_grant_type", "invalid_scope")


def error_code(value: object) -> str:
    """Return OAuth's code of an error; a text of another form may repeat a secret."""
    is_code = isinstance(value, str) and _ERROR_CODE.fullmatch(value)
    return str(value) if is_code else say("an unknown error")


@dataclass(frozen=True, slots=True)
class Attempt:
    """The secrets of one sign-in, which only the user's browser has."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


class IdentityProvider:
    """A client of whatever provider the configuration names; safe to share between threads.

    Each method raises FetchFailed or KeysUnavailable if the provider gives no usable answer.
    """

    def __init__(
        self, settings: HttpsSettings, keys: KeyProvider, clock: Callable[[], float]
    ) -> None:
        """`clock` counts seconds and never goes back."""
        self._settings = settings
        self._keys = keys
        self._metadata = BoundedTtlCache(self._discover, clock)

    def sign_in_url(self, sso: Sso, attempt: Attempt) -> str:
        """Return where the user signs in."""
        metadata = self._find_metadata(sso)
        url, _ = self._client(sso, metadata).create_authorization_url(
            metadata.authorization,
            state=attempt.state,
            nonce=attempt.nonce,
            code_verifier=attempt.verifier,
        )
        return str(url)

    def sign_out_url(self, sso: Sso) -> str | None:
        """Return where the user signs out of the provider, too; None if it has no such page."""
        url = self._find_metadata(sso).end_session
        if url is None:
            return None
        back = urlencode(
            {"client_id": sso.client_id, "post_logout_redirect_uri": sso.url + SIGNED_OUT_PATH}
        )
        return f"{url}{'&' if '?' in url else '?'}{back}"

    def identify(self, sso: Sso, code: str, attempt: Attempt, now: datetime) -> Identity:
        """Return the user of a code that the provider has issued. Raises Unauthenticated."""
        from swrhook.sso.id_token import read_id_token  # noqa: PLC0415  # Authlib is large

        metadata = self._find_metadata(sso)
        tokens = self._exchange(sso, metadata, code, attempt.verifier)
        claims = read_id_token(tokens, sso, self._keys, attempt.nonce, now)
        if find_claim(claims, sso.groups_claim) is None and metadata.userinfo is not None:
            claims = {**self._fetch_user(metadata.userinfo, tokens, claims), **claims}
        return read_identity(claims, sso)

    def _find_metadata(self, sso: Sso) -> ProviderMetadata:
        return self._metadata.get(sso.issuer, MAX_METADATA_AGE, sso.issuer)

    def _discover(self, issuer: str) -> ProviderMetadata:
        url = issuer.removesuffix("/") + DISCOVERY_PATH
        return read_metadata(https_get(url, self._settings), issuer)

    def _client(self, sso: Sso, metadata: ProviderMetadata) -> Any:  # noqa: ANN401  # untyped
        from authlib.oauth2.client import OAuth2Client  # noqa: PLC0415  # large

        method = "client_secret_basic" if metadata.takes_basic else "client_secret_post"
        client = OAuth2Client(
            _TokenEndpoint(self._settings),
            sso.client_id,
            sso.client_secret,
            token_endpoint_auth_method=method if sso.client_secret else "none",
            scope=" ".join(dict.fromkeys(("openid", *sso.scopes))),
            redirect_uri=sso.url + CALLBACK_PATH,
            code_challenge_method="S256",
        )
        client.register_client_auth_method(("client_secret_basic", _add_basic))
        return client

    def _exchange(self, sso: Sso, metadata: ProviderMetadata, code: str, verifier: str) -> Json:
        """Return the tokens for a code."""
        from authlib.oauth2 import OAuth2Error  # noqa: PLC0415  # large

        try:
            return self._client(sso, metadata).fetch_token(
                metadata.token, grant_type="authorization_code", code=code, code_verifier=verifier
            )
        except OAuth2Error as exc:
            reason = error_code(exc.error)
            if exc.error in _OUR_FAULTS:
                advice = say("check sso.client_id, sso.client_secret and sso.scopes")
                raise FetchFailed(
                    say(
                        "it refuses swrhook with %(reason)s: %(advice)s",
                        reason=reason,
                        advice=advice,
                    )
                ) from None
            raise Unauthenticated(
                say("the provider refuses the code with %(reason)s", reason=reason)
            ) from None

    def _fetch_user(self, url: str, tokens: Json, claims: Json) -> Mapping[str, Json]:
        """Return what the provider's page on the user adds to the claims of their ID token."""
        from swrhook.sso.id_token import find_token  # noqa: PLC0415  # Authlib is large

        headers = {"Authorization": f"Bearer {find_token(tokens, 'access_token')}"}
        try:
            user = decode(https_get(url, self._settings, headers))
        except Undecodable:
            raise FetchFailed(say("the user's page at the provider is not JSON")) from None
        if get(user, "sub") != get(claims, "sub"):
            raise Unauthenticated(say("the provider's page on the user is about another one"))
        return dict(user)


def _add_basic(client: Any, _method: str, url: str, headers: dict[str, str], body: str) -> Any:  # noqa: ANN401  # untyped
    """Authenticate with the client's secret, form-encoded as RFC 6749 (2.3.1) says."""
    pair = f"{quote_plus(client.client_id)}:{quote_plus(client.client_secret)}"
    headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
    return url, headers, body


class _TokenEndpoint:
    """What Authlib asks for tokens with: one bounded request."""

    def __init__(self, settings: HttpsSettings) -> None:
        self._settings = settings

    def post(
        self,
        url: str,
        data: Mapping[str, str],
        headers: Mapping[str, str],
        auth: Any,  # noqa: ANN401  # no types
    ) -> "_Answer":
        url, sent, body = auth.prepare("POST", url, dict(headers), urlencode(data))
        return _Answer(*https_post(url, sent, body, self._settings))


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer as Authlib reads it. What is not JSON is the provider's fault."""

    status_code: int
    body: bytes = field(repr=False)

    def json(self) -> Json:
        try:
            return decode(self.body)
        except Undecodable:
            raise FetchFailed(
                say("it issues no token: status %(status)s", status=str(self.status_code))
            ) from None

    def raise_for_status(self) -> None:
        if self.status_code >= HTTPStatus.BAD_REQUEST:
            raise FetchFailed(
                say("it issues no token: status %(status)s", status=str(self.status_code))
            )
