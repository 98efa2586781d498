"""An identity provider over HTTPS on loopback: the server side of Authlib, with its own checks.

It signs in whoever `user` names, without asking. Tests change what it issues or answers.
"""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oidc.core.grants import OpenIDCode
from flask import Flask, Response, redirect, request
from joserfc.jwk import RSAKey
from werkzeug.serving import WSGIRequestHandler, make_server

from swrhook.sender_keys import HttpsSettings
from tests.sender_keys.loopback import write_certificates

CLIENT = "swrhook"
CLIENT_SECRET = "the-secret-of-the-client"
DASHBOARD = "http://localhost"
LONG = "x" * 2000  # real access tokens are long


@dataclass
class Client(ClientMixin):  # type: ignore[misc]  # Authlib has no types
    """The only client: the dashboard."""

    client_id: str = CLIENT

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> None:
        return None

    def get_allowed_scope(self, scope: str) -> str:
        return scope

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri == f"{DASHBOARD}/sign-in/callback"

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == CLIENT_SECRET

    def check_endpoint_auth_method(self, method: str, _endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "authorization_code"


@dataclass
class Code(AuthorizationCodeMixin):  # type: ignore[misc]
    """An authorization code that was issued."""

    code: str
    redirect_uri: str
    scope: str
    nonce: str
    code_challenge: str
    code_challenge_method: str
    user: str

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str:
        return self.nonce

    def get_auth_time(self) -> None:
        return None

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


def signing_key(name: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": name, "use": "sig", "alg": "RS256"})


KEY, FOREIGN_KEY = signing_key("first"), signing_key("first")


@dataclass
class LocalProvider:
    """The provider, and what tests change about it."""

    issuer: str = ""
    user: str = "alice"
    groups: Any = field(default_factory=lambda: ["ops"])
    claims: dict[str, Any] = field(default_factory=dict)  # replace those that it issues
    userinfo: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: KEY)
    answers: dict[str, Response] = field(default_factory=dict)  # instead of its own, by path
    has_sign_out: bool = True
    asked: list[str] = field(default_factory=list)
    codes: dict[str, Code] = field(default_factory=dict)

    def app(self) -> Flask:
        app = Flask("provider")
        server = AuthorizationServer(
            app, lambda name: Client() if name == CLIENT else None, lambda *_token: None
        )
        server.register_grant(
            _grant_of(self), [CodeChallenge(required=True), _tokens_of(self)(require_nonce=True)]
        )

        _add_public_routes(app, self)

        @app.get("/authorization")
        def authorize() -> Any:
            grant = server.get_consent_grant(end_user=self.user)
            return server.create_authorization_response(grant_user=self.user, grant=grant)

        @app.post("/token")
        def token() -> Any:
            return server.create_token_response()

        return app


def _add_public_routes(app: Flask, provider: LocalProvider) -> None:
    @app.before_request
    def answer_otherwise() -> Response | None:
        provider.asked.append(request.path)
        return provider.answers.get(request.path)

    @app.get("/.well-known/openid-configuration")
    def discovery() -> Mapping[str, Any]:
        names = ("authorization", "token", "userinfo", "end_session")[: 3 + provider.has_sign_out]
        urls = {f"{name}_endpoint": f"{provider.issuer}/{name}" for name in names}
        return {"issuer": provider.issuer, "jwks_uri": f"{provider.issuer}/jwks", **urls}

    @app.get("/jwks")
    def jwks() -> Mapping[str, Any]:
        return {"keys": [KEY.as_dict(private=False)]}

    @app.get("/userinfo")
    def userinfo() -> Mapping[str, Any]:
        return {"sub": f"sub-of-{provider.user}", **provider.userinfo}

    @app.get("/end_session")
    def end_session() -> Any:
        return redirect(request.args["post_logout_redirect_uri"])


def _grant_of(provider: LocalProvider) -> type[AuthorizationCodeGrant]:
    class Grant(AuthorizationCodeGrant):  # type: ignore[misc]  # no types
        TOKEN_ENDPOINT_AUTH_METHODS = ("client_secret_basic",)

        def save_authorization_code(self, code: str, request: Any) -> None:
            sent = request.payload.data
            names = ("redirect_uri", "scope", "nonce", "code_challenge", "code_challenge_method")
            values = {name: sent[name] for name in names}
            provider.codes[code] = Code(code=code, user=provider.user, **values)

        def query_authorization_code(self, code: str, _client: Client) -> Code | None:
            return provider.codes.get(code)

        def delete_authorization_code(self, code: Code) -> None:
            del provider.codes[code.code]

        def authenticate_user(self, code: Code) -> str:
            return code.user

    return Grant


def _tokens_of(provider: LocalProvider) -> type[OpenIDCode]:
    class Tokens(OpenIDCode):  # type: ignore[misc]  # no types
        def exists_nonce(self, nonce: str, _request: Any) -> bool:
            return any(code.nonce == nonce for code in provider.codes.values())

        def resolve_client_private_key(self, _client: Client) -> RSAKey:
            return provider.key

        def get_encode_header(self, _client: Client) -> Mapping[str, str]:
            return {"alg": "RS256", "kid": "first"}

        def get_client_claims(self, _client: Client) -> dict[str, Any]:
            return {"iss": provider.issuer, "exp": int(time.time()) + 300}

        def generate_user_info(self, user: str, _scope: str) -> Mapping[str, Any]:
            groups = {} if provider.groups is None else {"groups": provider.groups}
            named = {"sub": f"sub-of-{user}", "preferred_username": user, **groups}
            return named | provider.claims

    return Tokens


class _Silent(WSGIRequestHandler):
    def log(self, *_: Any) -> None:
        """Log nothing: the tests look for secrets in the log."""


@contextmanager
def serve_provider(folder: Path) -> Iterator[tuple[LocalProvider, HttpsSettings]]:
    """Serve a provider; its issuer is its address. The settings reach it."""
    provider, authority = LocalProvider(), folder / "authority.pem"
    certificate = write_certificates(folder, authority)
    context = (str(certificate), str(certificate))
    server = make_server(
        "localhost", 0, provider.app(), threaded=True, request_handler=_Silent, ssl_context=context
    )
    provider.issuer = f"https://localhost:{server.port}"
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield provider, HttpsSettings(certificates=str(authority), read_timeout=1.0)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def json_answer(content: Any, status: int = 200) -> Response:
    return Response(json.dumps(content), status, content_type="application/json")
