"""Parses an identity provider's discovery document. Total for any bytes."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from swrhook.errors import FetchFailed, Undecodable
from swrhook.senders.payload import Json, decode, get, items, text
from swrhook.wording.message import say

DISCOVERY_PATH = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class ProviderMetadata:
    """The addresses of a provider, and how it wants its clients to authenticate."""

    authorization: str
    token: str
    userinfo: str | None
    end_session: str | None
    takes_basic: bool


def read_metadata(document: bytes, issuer: str) -> ProviderMetadata:
    """Read a discovery document. Raises FetchFailed."""
    try:
        content = decode(document)
    except Undecodable as exc:
        raise FetchFailed(
            say("%(issuer)s: the discovery document is not JSON", issuer=issuer)
        ) from exc
    if get(content, "issuer") != issuer:
        raise FetchFailed(
            say(
                "%(issuer)s: the discovery document names another issuer: see sso.issuer",
                issuer=issuer,
            )
        )
    authorization, token = _url(content, "authorization_endpoint"), _url(content, "token_endpoint")
    if authorization is None or token is None:
        raise FetchFailed(
            say("%(issuer)s: the discovery document lacks an https endpoint", issuer=issuer)
        )
    methods = items(content, "token_endpoint_auth_methods_supported")
    return ProviderMetadata(
        authorization,
        token,
        userinfo=_url(content, "userinfo_endpoint"),
        end_session=_url(content, "end_session_endpoint"),
        takes_basic=not methods or "client_secret_basic" in methods,
    )


def _url(content: Json, name: str) -> str | None:
    url = text(content, name)
    try:
        is_usable = url is not None and urlsplit(url).scheme == "https" and url.isprintable()
    except ValueError:
        return None
    return url if is_usable else None
