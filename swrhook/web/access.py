"""Access control: every request except the public ones needs a token whose role suffices."""

import hmac
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import IntEnum
from hashlib import sha256

from flask import Flask, g, request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import BadRequest, Forbidden, Unauthorized

from swrhook.config.model import Access, AccessToken
from swrhook.rules.namespaces import Namespaces
from swrhook.web import session
from swrhook.web.context import WebContext
from swrhook.web.cookies import read_cookie
from swrhook.wording.message import say


class Role(IntEnum):
    """The role of a token; each role allows everything that the lower ones allow."""

    ASK = 0
    READ = 1
    OPERATE = 2
    ADMIN = 3


# Hooks and the gate authenticate their senders themselves, and load balancers poll the health
# routes. The page /api/docs holds no data: its requests for the API's description need a token.
PUBLIC_BLUEPRINTS = frozenset({"hooks", "gate", "health", "docs"})
METRICS = "metrics.metrics"
# The dashboard authenticates with the session's cookie, everything else with the token itself.
PAGES = "dashboard"
PUBLIC_PAGES = frozenset(
    f"dashboard.{name}"
    for name in (
        *("static", "set_language"),
        *("sign_in_form", "sign_in", "begin_single_sign_on", "sign_in_callback"),
    )
)
# Endpoints whose role does not follow from the method: GET, HEAD and OPTIONS need READ, the others
# OPERATE.
ROLES: Mapping[str, Role] = {
    "availability.show": Role.ASK,
    "availability.check": Role.ASK,  # changes nothing: a POST because many images are asked for
    "whatif.compare": Role.READ,  # changes nothing: a POST because the rules are too long for a URL
    "drain.begin": Role.ADMIN,
    "rules.accept": Role.ADMIN,
    "dashboard.accept_rules": Role.ADMIN,
    "audit.list_all": Role.ADMIN,
    "dashboard.audit": Role.ADMIN,
    "dashboard.sign_out": Role.ASK,
    "dashboard.compare": Role.READ,  # as whatif.compare
}

# Endpoints for tokens that are limited to organizations. Each of them shows and changes only what
# belongs to these; every other one refuses such a token.
SCOPED = frozenset(
    {
        "api-docs.openapi_json",
        "availability.check",
        "availability.show",
        *(f"backfill.{name}" for name in ("begin", "cancel", "list_all", "list_tags", "show")),
        "backfill.start",
        *(f"dashboard.{name}" for name in ("cancel", "deliveries", "delivery", "explain")),
        *(f"dashboard.{name}" for name in ("overview", "replay", "repositories", "retry")),
        *(f"dashboard.{name}" for name in ("sign_out", "sync", "syncs", "order")),
        *(f"dashboard.{name}" for name in ("retry_selected", "cancel_selected")),
        *("dashboard.help_page", "dashboard.repositories_csv"),
        *(f"dashboard.{name}" for name in ("repairs", "repair", "begin_repair")),
        *(f"dashboard.{name}" for name in ("start_repair", "stop_repair")),
        *(f"deliveries.{name}" for name in ("list_all", "replay", "show")),
        "explain.show",
        *(f"reconcile.{name}" for name in ("begin", "cancel", "list_all", "list_tags", "show")),
        "senders.list_all",
        "timeline.show",
        *(f"syncs.{name}" for name in ("cancel", "list_all", "order_by_hand", "retry", "show")),
        "wait.wait",
    }
)

LONGEST_OBJECT = 500
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def guard(app: Flask, web: WebContext) -> None:
    """Check every request to the app, on all of its routes, including those added later."""

    @app.before_request
    def check() -> None:
        if "\0" in request.environ["PATH_INFO"] or "%00" in request.environ["QUERY_STRING"]:
            # PostgreSQL could not look for it.
            raise BadRequest(say("the URL contains a NUL character"))
        access = web.config.current().access
        required = required_role(access)
        if required is None:
            return
        holder = _authenticate(access, web)
        if holder is None:
            web.metrics.access_denied.labels("unauthenticated").inc()
            raise Unauthorized(
                "a valid token is required: Authorization: Bearer TOKEN, one of access.tokens",
                www_authenticate=WWWAuthenticate("bearer", {"realm": "swrhook"}),
            )
        g.holder = holder  # set before the role is checked: the audit log names refused writers too
        role = role_of(holder)
        if role < required:
            web.metrics.access_denied.labels("forbidden").inc()
            raise Forbidden(
                say(
                    "the token's role is %(role)s, this needs %(required)s",
                    role=say(role.name.lower()),
                    required=say(required.name.lower()),
                )
            )
        if holder.namespaces is not None and request.endpoint not in SCOPED:
            web.metrics.access_denied.labels("forbidden").inc()
            raise Forbidden(
                say("the token is limited to organizations (namespaces), this route is not")
            )


def scope() -> Namespaces | None:
    """Return the source organizations that the current request may see; None: all."""
    holder = token_holder()
    return None if holder is None else holder.namespaces


def is_visible(namespace: str) -> bool:
    """Tell whether the current request may see a source organization."""
    limits = scope()
    return limits is None or namespace in limits


def require_visible(namespaces: Iterable[str]) -> None:
    """Raise Forbidden if the current request may not see all of these organizations."""
    if not all(is_visible(namespace) for namespace in namespaces):
        raise Forbidden(say("the token is limited to other organizations (namespaces)"))


def name_object(*names: str) -> None:
    """Set the objects of the current request in the audit log, where its path does not name it."""
    g.named_objects = names


def token_holder() -> AccessToken | None:
    """Return the token of the current request; None if it needed none or had no valid one."""
    holder: AccessToken | None = g.get("holder")
    return holder


def token_name() -> str | None:
    """Return the name of the current request's token; None as for `token_holder`."""
    holder = token_holder()
    return None if holder is None else holder.name


def named_objects() -> Sequence[str | None]:
    """Return the objects of the current request: as set by `name_object`, or the id in its path.

    A long name is cut: an index of PostgreSQL takes no longer ones, and the write would be missing.
    """
    names = g.get("named_objects") or [*(request.view_args or {}).values()][:1]
    return [name[:LONGEST_OBJECT] for name in names] or [None]


def required_role(access: Access) -> Role | None:
    """Return the role that the current request needs, or None if it needs no token.

    Unknown paths and methods need none: the answer is 404 or 405, since routes are not secret.
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
    if request.method in SAFE_METHODS:
        return False
    return ROLES.get(request.endpoint or "", Role.OPERATE) >= Role.OPERATE


def _authenticate(access: Access, web: WebContext) -> AccessToken | None:
    """Return the token behind the current request, or what a user may do; None: not valid.

    The API ignores the cookie, so that no page of another site can use a browser's session.
    """
    if request.blueprint != PAGES:
        return find_holder(bearer_token(), access.tokens, web.clock.now())
    current = g.session = resume_session(web)
    return None if current is None else current.holder


def resume_session(web: WebContext) -> session.Session | None:
    """Return the session of the current request's cookie, None without a valid one."""
    config, now = web.config.current(), web.clock.now()
    cookie = read_cookie(request, session.COOKIE, config.options.trusted_proxies)
    tokens = valid_tokens(config.access.tokens, now)
    return session.resume(web.database, cookie, tokens, now, config.sso)


def bearer_token() -> bytes:
    """Return the request's bearer token; empty, which no configured one is, if there is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    # WSGI decodes a header's bytes as Latin-1.
    return token.strip().encode("latin-1", "replace") if scheme.lower() == "bearer" else b""


def role_of(token: AccessToken) -> Role:
    """Return a token's role."""
    return Role[token.role.upper()]


def valid_tokens(tokens: Sequence[AccessToken], now: datetime) -> Sequence[AccessToken]:
    """Return the tokens that have not expired."""
    return [token for token in tokens if token.not_after is None or now < token.not_after]


def find_holder(token: bytes, tokens: Sequence[AccessToken], now: datetime) -> AccessToken | None:
    """Return the valid token with this value, or None.

    Takes the same time for every value: all tokens are compared, by hash, in constant time.
    """
    if not token:
        return None
    digest = sha256(token).digest()
    holders = [
        candidate
        for candidate in valid_tokens(tokens, now)
        if hmac.compare_digest(digest, candidate.digest)
    ]
    return next(iter(holders), None)
