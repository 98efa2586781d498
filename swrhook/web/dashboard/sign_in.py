"""Sign in with a token under `access.tokens`, and sign out."""

import math
import time
from datetime import datetime
from http import HTTPStatus
from ipaddress import IPv6Address, ip_network
from urllib.parse import urlsplit

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from swrhook import logs
from swrhook.config.model import Config
from swrhook.ledger import sessions
from swrhook.metrics import Metrics
from swrhook.web import session
from swrhook.web.access import find_holder
from swrhook.web.client_address import Address, client_address
from swrhook.web.context import WebContext
from swrhook.web.dashboard.security import FORM_COOKIE, new_form_key, set_cookie

# Wrong tokens per minute from one address.
MAX_FAILURES = 10


class FailedSignIns:
    """Counts the wrong tokens of each address, in memory and in each process separately."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._item = RateLimitItemPerMinute(MAX_FAILURES)

    def wait(self, address: Address | None) -> int:
        """Return for how many seconds the address must wait; 0 if it may try."""
        key = _key(address)
        if self._limiter.test(self._item, key):
            return 0
        reset = self._limiter.get_window_stats(self._item, key).reset_time - time.time()
        return max(1, math.ceil(reset))

    def count(self, address: Address | None) -> None:
        """Count a wrong token."""
        self._limiter.hit(self._item, _key(address))


def add_sign_in(blueprint: Blueprint, web: WebContext) -> None:
    """Add the routes, and redirect requests without a session from every page to the form."""
    failures = FailedSignIns()

    @blueprint.errorhandler(HTTPStatus.UNAUTHORIZED)
    def redirect_to_form(_exc: Exception) -> Response:
        path = request.full_path.rstrip("?") if request.method == "GET" else "/"
        form = url_for(".sign_in_form", path=None if path == "/" else path)
        return make_response(redirect(form, HTTPStatus.SEE_OTHER))

    @blueprint.get("/sign-in")
    def sign_in_form() -> Response:
        return _form(
            web.config.current(), HTTPStatus.OK, path=local_path(request.args.get("path", "/"))
        )

    @blueprint.post("/sign-in")
    def sign_in() -> Response:
        return _sign_in(web.config.current(), failures, web.metrics, web.clock.now())

    @blueprint.post("/sign-out")
    def sign_out() -> Response:
        current: session.Session = g.session
        sessions.end(web.database, current.fingerprint, current.until, web.clock.now())
        answer = make_response(redirect(url_for(".sign_in_form"), HTTPStatus.SEE_OTHER))
        answer.delete_cookie(session.COOKIE)
        return answer


def _form(config: Config, status: int, *, error: str | None = None, path: str = "/") -> Response:
    key = request.cookies.get(FORM_COOKIE) or new_form_key()
    text = render_template(
        "dashboard/sign_in.html",
        form_key=key,
        path=path,
        error=error,
        has_tokens=bool(config.access.tokens),
    )
    answer = make_response(text, status)
    set_cookie(answer, FORM_COOKIE, key, config.options.trusted_proxies)
    return answer


def _sign_in(config: Config, failures: FailedSignIns, metrics: Metrics, now: datetime) -> Response:
    path = local_path(request.form.get("path", "/"))
    proxies = config.options.trusted_proxies
    address = client_address(request, proxies)
    delay = failures.wait(address)
    if delay:
        metrics.access_denied.labels("too_many_tries").inc()
        error = f"Too many wrong tokens from your address: try again in {delay} seconds."
        answer = _form(config, HTTPStatus.TOO_MANY_REQUESTS, error=error, path=path)
        answer.headers["Retry-After"] = str(delay)
        return answer
    holder = find_holder(request.form.get("token", "").strip().encode(), config.access.tokens)
    if holder is None:
        failures.count(address)
        metrics.access_denied.labels("unauthenticated").inc()
        error = "This is not one of the tokens under access.tokens in swrhook.yaml."
        return _form(config, HTTPStatus.FORBIDDEN, error=error, path=path)
    logs.event("dashboard.signed_in", token=holder.name)
    answer = make_response(redirect(path, HTTPStatus.SEE_OTHER))
    set_cookie(answer, session.COOKIE, session.begin(holder, now), proxies)
    answer.delete_cookie(FORM_COOKIE)
    return answer


def local_path(path: str) -> str:
    """Return the path, or `/` if it could lead to another host (an open redirect)."""
    # Browsers read a backslash as a slash, and remove tabs and line breaks.
    is_local = path.startswith("/") and "\\" not in path and path.isprintable()
    parts = urlsplit(path) if is_local and not path.startswith("//") else urlsplit("/")
    return parts.geturl()


def _key(address: Address | None) -> str:
    # A client with an IPv6 network can use any of its addresses: count the whole /64.
    if isinstance(address, IPv6Address):
        return str(ip_network((address, 64), strict=False))
    return str(address)
