"""Signing in with a token of `access.tokens`, and out again."""

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
from swrhook.web.access import holder_of
from swrhook.web.client_address import Address, client_address
from swrhook.web.context import WebContext
from swrhook.web.dashboard.security import FORM_COOKIE, new_form_key, set_cookie

# So often in a minute may one address be wrong.
MOST_WRONG = 10


class Tries:
    """How often each address was wrong lately: counted in memory, by each process on its own."""

    def __init__(self) -> None:
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._item = RateLimitItemPerMinute(MOST_WRONG)

    def wait(self, address: Address | None) -> int:
        """Return how many seconds the address has to wait; 0: it may try."""
        key = _key(address)
        if self._limiter.test(self._item, key):
            return 0
        free = self._limiter.get_window_stats(self._item, key).reset_time - time.time()
        return max(1, math.ceil(free))

    def was_wrong(self, address: Address | None) -> None:
        """Count a try that failed."""
        self._limiter.hit(self._item, _key(address))


def add_sign_in(blueprint: Blueprint, web: WebContext) -> None:
    """Add the routes, and lead whoever is not signed in from every page to the form."""
    tries = Tries()

    @blueprint.errorhandler(HTTPStatus.UNAUTHORIZED)
    def ask(_exc: Exception) -> Response:
        path = request.full_path.rstrip("?") if request.method == "GET" else "/"
        to = url_for(".sign_in_form", path=None if path == "/" else path)
        return make_response(redirect(to, HTTPStatus.SEE_OTHER))

    @blueprint.get("/sign-in")
    def sign_in_form() -> Response:
        return _form(
            web.config.current(), HTTPStatus.OK, path=local_path(request.args.get("path", "/"))
        )

    @blueprint.post("/sign-in")
    def sign_in() -> Response:
        return _sign_in(web.config.current(), tries, web.metrics, web.clock.now())

    @blueprint.post("/sign-out")
    def sign_out() -> Response:
        ends: session.Session = g.session
        sessions.end(web.database, ends.mark, ends.until, web.clock.now())
        answer = make_response(redirect(url_for(".sign_in_form"), HTTPStatus.SEE_OTHER))
        answer.delete_cookie(session.COOKIE)
        return answer


def _form(config: Config, status: int, *, wrong: str | None = None, path: str = "/") -> Response:
    key = request.cookies.get(FORM_COOKIE) or new_form_key()
    text = render_template(
        "dashboard/sign_in.html",
        form_key=key,
        path=path,
        wrong=wrong,
        has_tokens=bool(config.access.tokens),
    )
    answer = make_response(text, status)
    set_cookie(answer, FORM_COOKIE, key, config.options.trusted_proxies)
    return answer


def _sign_in(config: Config, tries: Tries, metrics: Metrics, now: datetime) -> Response:
    path = local_path(request.form.get("path", "/"))
    proxies = config.options.trusted_proxies
    address = client_address(request, proxies)
    wait = tries.wait(address)
    if wait:
        metrics.denied("too_many_tries")
        wrong = f"Too many wrong tokens came from your address: try again in {wait} seconds."
        answer = _form(config, HTTPStatus.TOO_MANY_REQUESTS, wrong=wrong, path=path)
        answer.headers["Retry-After"] = str(wait)
        return answer
    holder = holder_of(request.form.get("token", "").strip().encode(), config.access.tokens)
    if holder is None:
        tries.was_wrong(address)
        metrics.denied("unauthenticated")
        wrong = "This is no token of access.tokens in swrhook.yaml."
        return _form(config, HTTPStatus.FORBIDDEN, wrong=wrong, path=path)
    logs.event("dashboard.signed_in", token=holder.name)
    answer = make_response(redirect(path, HTTPStatus.SEE_OTHER))
    set_cookie(answer, session.COOKIE, session.begin(holder, now), proxies)
    answer.delete_cookie(FORM_COOKIE)
    return answer


def local_path(path: str) -> str:
    """Return a path of this server, or the overview's where it might lead elsewhere."""
    is_ours = path.startswith("/") and "\\" not in path and path.isprintable()
    parts = urlsplit(path) if is_ours and not path.startswith("//") else urlsplit("/")
    return parts.geturl()


def _key(address: Address | None) -> str:
    # One who has an IPv6 network has all of its addresses.
    if isinstance(address, IPv6Address):
        return str(ip_network((address, 64), strict=False))
    return str(address)
