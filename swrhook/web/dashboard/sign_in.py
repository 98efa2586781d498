"""Sign in with a token under `access.tokens`; and what every way to sign in shares."""

from dataclasses import asdict
from http import HTTPStatus
from secrets import token_urlsafe

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for

from swrhook import logs
from swrhook.config.model import Config
from swrhook.errors import CannotRecord
from swrhook.ledger.audit import AuditEntry, record_writes
from swrhook.web import session
from swrhook.web.access import find_holder
from swrhook.web.client_address import client_address
from swrhook.web.context import WebContext
from swrhook.web.cookies import delete_cookie, read_cookie, set_cookie
from swrhook.web.dashboard.paths import local_path
from swrhook.web.dashboard.security import FORM_COOKIE
from swrhook.web.rate_limit import FailedSignIns
from swrhook.wording.message import say, say_count

# In the audit log; a refused sign-in has no token.
NOBODY, NO_ROLE = "(none)", "none"
_ACTION = "POST /sign-in"


def add_sign_in(blueprint: Blueprint, web: WebContext, failures: FailedSignIns) -> None:
    """Add the routes, and redirect requests without a session from every page to the form."""

    @blueprint.errorhandler(HTTPStatus.UNAUTHORIZED)
    def redirect_to_form(_exc: Exception) -> Response:
        path = request.full_path.rstrip("?") if request.method == "GET" else "/"
        form = url_for(".sign_in_form", path=None if path == "/" else path)
        return make_response(redirect(form, HTTPStatus.SEE_OTHER))

    @blueprint.get("/sign-in")
    def sign_in_form() -> Response:
        return render_form(web.config.current(), HTTPStatus.OK, request.args.get("path", "/"))

    @blueprint.post("/sign-in")
    def sign_in() -> Response:
        return _sign_in(web, failures)


def render_form(config: Config, status: int, path: str, error: str | None = None) -> Response:
    """Return the page on which users sign in, and why they could not."""
    proxies = config.options.trusted_proxies
    key = read_cookie(request, FORM_COOKIE, proxies) or token_urlsafe(16)
    text = render_template(
        "dashboard/sign_in.html",
        form_key=key,
        path=local_path(path),
        error=error,
        sso=config.sso,
        has_tokens=bool(config.access.tokens),
    )
    answer = make_response(text, status)
    set_cookie(request, answer, FORM_COOKIE, key, proxies)
    return answer


def open_session(cookie: str, path: str, config: Config) -> Response:
    """Return the redirect of a successful sign-in, to a page of this host."""
    proxies = config.options.trusted_proxies
    answer = make_response(redirect(local_path(path), HTTPStatus.SEE_OTHER))
    set_cookie(request, answer, session.COOKIE, cookie, proxies)
    delete_cookie(request, answer, FORM_COOKIE, proxies)
    return answer


def refuse_too_many(web: WebContext, failures: FailedSignIns, path: str) -> Response | None:
    """Return the answer to an address that was refused too often; None to any other."""
    config = web.config.current()
    delay = failures.wait(client_address(request, config.options.trusted_proxies))
    if not delay:
        return None
    web.metrics.access_denied.labels("too_many_tries").inc()
    error = say_count(
        "Too many refused sign-ins from your address: try again in %(count)s second.",
        "Too many refused sign-ins from your address: try again in %(count)s seconds.",
        delay,
    )
    answer = render_form(config, HTTPStatus.TOO_MANY_REQUESTS, path, error)
    answer.headers["Retry-After"] = str(delay)
    return answer


def _sign_in(web: WebContext, failures: FailedSignIns) -> Response:
    config = web.config.current()
    proxies = config.options.trusted_proxies
    path = request.form.get("path", "/")
    token, now = request.form.get("token", "").strip(), web.clock.now()
    holder = find_holder(token.encode("utf-8", "surrogatepass"), config.access.tokens, now)
    if holder is None:
        return _refuse(web, config, failures, path)
    cookie = session.begin(web.database, holder, now)
    answer = open_session(cookie, path, config)
    address = client_address(request, proxies)
    record_attempt(
        web, AuditEntry(holder.name, holder.role, _ACTION, str(address), answer.status_code)
    )
    return answer


def _refuse(web: WebContext, config: Config, failures: FailedSignIns, path: str) -> Response:
    """Answer a wrong token. Many of them from one address are 429; a right one is never refused."""
    if (refusal := refuse_too_many(web, failures, path)) is not None:
        return refusal
    address = client_address(request, config.options.trusted_proxies)
    web.metrics.access_denied.labels("unauthenticated").inc()
    # Strangers write these rows: their number is limited by address, and in all.
    if failures.count(address):
        refused = AuditEntry(NOBODY, NO_ROLE, _ACTION, str(address), HTTPStatus.FORBIDDEN)
        record_attempt(web, refused)
    error = say("This is not one of the tokens under access.tokens in swrhook.yaml.")
    return render_form(config, HTTPStatus.FORBIDDEN, path, error)


def record_attempt(web: WebContext, attempt: AuditEntry, **more: str) -> None:
    """Record a sign-in or a refused one; the line in the log remains if that fails."""
    logs.event("dashboard.sign_in", **asdict(attempt), **more)
    try:
        record_writes(web.database, [attempt], web.clock.now())
    except CannotRecord as exc:
        logs.warning("api.write_not_kept", reason=str(exc))
