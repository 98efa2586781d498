"""Who may do what: every request but the public ones needs a token whose role suffices."""

import hmac
from collections.abc import Mapping, Sequence
from enum import IntEnum
from hashlib import sha256

from flask import Flask, g, request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Forbidden, Unauthorized

from swrhook.config.model import Access, AccessToken
from swrhook.ledger.sessions import has_ended
from swrhook.web import session
from swrhook.web.context import WebContext


class Role(IntEnum):
    """What a token allows; each role allows what those before it do."""

    READ = 1
    OPERATE = 2
    ADMIN = 3


# Hooks authenticate their senders themselves; health is for load balancers; the page that shows the
# API holds nothing, and asks for a token before it has something to show.
PUBLIC_BLUEPRINTS = frozenset({"hooks", "health", "docs"})
METRICS = "metrics.metrics"
# Pages know who is there by the session's cookie, everything else by the token itself.
PAGES = "dashboard"
PUBLIC_PAGES = frozenset({"dashboard.static", "dashboard.sign_in_form", "dashboard.sign_in"})
# Where the method does not tell the role: GET and its like need READ, everything else OPERATE.
ROLES: Mapping[str, Role] = {
    "comparing.compare": Role.READ,  # a question, too long for a URL
    "drain.begin": Role.ADMIN,
    "audit.list_all": Role.ADMIN,
    "dashboard.sign_out": Role.READ,
    "dashboard.compare": Role.READ,  # the same on a page
}

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_REALM = {"realm": "swrhook"}


def guard(app: Flask, web: WebContext) -> None:
    """Refuse what is not allowed, on every route that the app has or will get."""

    @app.before_request
    def check() -> None:
        access = web.config.current().access
        needed = role_needed(access)
        if needed is None:
            return
        holder = _who(access, web)
        if holder is None:
            web.metrics.denied("unauthenticated")
            raise Unauthorized(
                "a valid token is needed: Authorization: Bearer TOKEN, one of access.tokens",
                www_authenticate=WWWAuthenticate("bearer", dict(_REALM)),
            )
        g.holder = holder  # known from here on, also where the role does not suffice
        role = role_of(holder)
        if role < needed:
            web.metrics.denied("forbidden")
            raise Forbidden(
                f"the token's role is {role.name.lower()}, this needs {needed.name.lower()}"
            )


def name_object(name: str) -> None:
    """Say what the current request is about, where its path does not."""
    g.named_object = name


def token_holder() -> AccessToken | None:
    """Return the token that the current request brought; None where none was needed, or valid."""
    found: AccessToken | None = g.get("holder")
    return found


def token_name() -> str | None:
    """Return the name of the token that let the current request in; None where none was needed."""
    found = token_holder()
    return None if found is None else found.name


def named_object() -> str | None:
    """Return what the current request is about: the object in its path, or what was named."""
    named: str | None = g.get("named_object")
    return named or next(iter((request.view_args or {}).values()), None)


def role_needed(access: Access) -> Role | None:
    """Return the role that the current request needs, or None when it needs no token.

    A path or method that does not exist is answered as that: routes are no secret.
    """
    endpoint = request.endpoint
    if endpoint is None or request.blueprint in PUBLIC_BLUEPRINTS or endpoint in PUBLIC_PAGES:
        return None
    if endpoint == METRICS and access.metrics_public:
        return None
    if endpoint in ROLES:
        return ROLES[endpoint]
    return Role.READ if request.method in SAFE_METHODS else Role.OPERATE


def is_write() -> bool:
    """Tell whether the current request may change something."""
    is_question = ROLES.get(request.endpoint or "") is Role.READ
    return request.method not in SAFE_METHODS and not is_question


def _who(access: Access, web: WebContext) -> AccessToken | None:
    """Return who sends the current request.

    The API takes no cookie: no other site's page can use it with somebody's session.
    """
    if request.blueprint != PAGES:
        return holder_of(_token(), access.tokens)
    cookie = request.cookies.get(session.COOKIE, "")
    found = session.resume(cookie, access.tokens, web.clock.now())
    if found is not None and has_ended(web.database, found.mark):
        found = None
    g.session = found
    return None if found is None else found.holder


def _token() -> bytes:
    """Return the token that the request brings; no configured one is empty."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    # WSGI gives a header's bytes as Latin-1.
    return token.strip().encode("latin-1", "replace") if scheme.lower() == "bearer" else b""


def role_of(token: AccessToken) -> Role:
    """Return what a token allows."""
    return Role[token.role.upper()]


def holder_of(token: bytes, known: Sequence[AccessToken]) -> AccessToken | None:
    """Return who has the token, with the highest role. Time tells nothing: all are compared."""
    found = None
    presented = sha256(token).digest()
    for candidate in (*known, _NOBODY):
        is_same = hmac.compare_digest(presented, sha256(candidate.token).digest())
        if is_same and candidate is not _NOBODY:
            found = candidate if found is None else max(found, candidate, key=role_of)
    return found


# Compared with too: work is done also where no tokens are configured.
_NOBODY = AccessToken("nobody", "read", b"")
