"""Sign in at the identity provider under `sso`, and sign out: there, too, if it has a page for it.

The secrets of a sign-in are derived from a cookie that only the user's browser has. Whoever comes
back without it did not begin here.
"""

import hmac
from http import HTTPStatus
from secrets import token_urlsafe
from urllib.parse import quote as quote_url
from urllib.parse import unquote

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound

from swrhook import logs
from swrhook.config.model import AccessToken, Config
from swrhook.config.sso import Sso
from swrhook.errors import FetchFailed, KeysUnavailable, RateLimited, Unauthenticated
from swrhook.ledger import sessions
from swrhook.ledger.audit import AuditEntry
from swrhook.sso import PREFIX, Attempt, Identity, access_of, error_code
from swrhook.web import session
from swrhook.web.client_address import client_address
from swrhook.web.context import WebContext
from swrhook.web.cookies import delete_cookie, read_cookie, set_cookie
from swrhook.web.dashboard.paths import local_path
from swrhook.web.dashboard.sign_in import (
    NO_ROLE,
    NOBODY,
    open_session,
    record_attempt,
    refuse_too_many,
    render_form,
)
from swrhook.web.rate_limit import FailedSignIns
from swrhook.wording.message import say
from swrhook.wording.storage import restore

ATTEMPT_COOKIE = "swrhook_attempt"
_ACTION = "GET /sign-in/callback"
_LONGEST_PATH = 1000
_STRANGER = say("this sign-in is too old, or was begun in another browser: sign in once more")


def add_single_sign_on(blueprint: Blueprint, web: WebContext, failures: FailedSignIns) -> None:
    """Add the routes."""

    @blueprint.get("/sign-in/provider")
    def begin_single_sign_on() -> Response:
        return _begin(web)

    @blueprint.get("/sign-in/callback")
    def sign_in_callback() -> Response:
        config = web.config.current()
        sso, cookie = _require_sso(config), _read_attempt(config)
        attempt, path = session.derive_attempt(cookie), unquote(cookie.partition(".")[2])
        if not cookie or not _is_answer_to(attempt):
            # Any page of the web can make a browser come here: that is no try of its user.
            error = say("Not signed in: %(reason)s.", reason=_STRANGER)
            return render_form(config, HTTPStatus.FORBIDDEN, path, error)
        try:
            answer = _sign_in(web, sso, attempt, failures, path)
        except RateLimited as exc:
            return _wait_for_turn(config, path, exc)
        delete_cookie(request, answer, ATTEMPT_COOKIE, config.options.trusted_proxies)
        return answer

    @blueprint.post("/sign-out")
    def sign_out() -> Response:
        sessions.end(web.database, g.session.id)
        config = web.config.current()
        url = _provider_sign_out(web, config.sso) if g.session.is_single_sign_on else None
        if url is None:
            answer = make_response(redirect(url_for(".sign_in_form"), HTTPStatus.SEE_OTHER))
        else:
            g.session = None
            # No redirect: browsers would not follow it from a form (form-action of our policy).
            page = render_template("dashboard/signed_out.html", sso=config.sso, url=url)
            answer = make_response(page)
            answer.headers["Refresh"] = f"0; url={url}"
        delete_cookie(request, answer, session.COOKIE, config.options.trusted_proxies)
        return answer


def _begin(web: WebContext) -> Response:
    config = web.config.current()
    sso = _require_sso(config)
    path = local_path(request.args.get("path", "/"))
    cookie = f"{token_urlsafe(32)}.{quote_url(path, safe='') if len(path) <= _LONGEST_PATH else ''}"
    try:
        with web.begun_sign_ins.take():
            url = web.identity_provider.sign_in_url(sso, session.derive_attempt(cookie))
    except (FetchFailed, KeysUnavailable) as exc:
        return _unavailable(config, path, exc)
    answer = make_response(redirect(url, HTTPStatus.SEE_OTHER))
    set_cookie(request, answer, ATTEMPT_COOKIE, cookie, config.options.trusted_proxies)
    return answer


def _sign_in(
    web: WebContext, sso: Sso, attempt: Attempt, failures: FailedSignIns, path: str
) -> Response:
    config, now = web.config.current(), web.clock.now()
    # Whoever shares an address with one that fails often is not locked out, since the provider
    # proves who they are. But neither does that address take the turns of all others.
    address = client_address(request, config.options.trusted_proxies)
    turns = web.doubtful_sign_ins if failures.wait(address) else web.sign_ins
    try:
        code = _read_code(sso)
        with turns.take():
            identity = web.identity_provider.identify(sso, code, attempt, now)
    except Unauthenticated as exc:
        return _refuse(web, failures, path, NOBODY, exc.text)
    except (FetchFailed, KeysUnavailable) as exc:
        return _unavailable(config, path, exc)
    holder = access_of(identity, sso)
    if holder is None:
        reason = say(
            "%(user)s is in none of the groups under sso.groups in swrhook.yaml", user=identity.user
        )
        return _refuse(web, failures, path, PREFIX + identity.user, reason)
    answer = open_session(
        session.begin_for_user(web.database, identity, sso, now), path or "/", config
    )
    _record_success(web, holder, identity, answer)
    return answer


def _wait_for_turn(config: Config, path: str, exc: RateLimited) -> Response:
    """Return a page that loads itself again: the provider's code is not used yet."""
    error = say("Too many sign-ins at this moment: this page tries again by itself.")
    answer = render_form(config, HTTPStatus.TOO_MANY_REQUESTS, path, error)
    answer.headers["Retry-After"] = answer.headers["Refresh"] = str(exc.retry_after)
    return answer


def _is_answer_to(attempt: Attempt) -> bool:
    """Tell whether the current request is what the provider sends to the browser that began."""
    state = request.args.get("state", "").encode("utf-8", "surrogatepass")
    return hmac.compare_digest(state, attempt.state.encode())


def _read_code(sso: Sso) -> str:
    """Return the code in the current request. Raises Unauthenticated if there is none for us."""
    # An answer of another provider is not taken to this one (RFC 9207).
    if request.args.get("iss", sso.issuer) != sso.issuer:
        raise Unauthenticated(say("the answer is of another issuer than sso.issuer"))
    code = request.args.get("code")
    if not code:
        reason = error_code(request.args.get("error"))
        raise Unauthenticated(say("the provider has signed nobody in: %(reason)s", reason=reason))
    return code


def _refuse(
    web: WebContext, failures: FailedSignIns, path: str, user: str, reason: str
) -> Response:
    if (refusal := refuse_too_many(web, failures, path)) is not None:
        return refusal
    web.metrics.access_denied.labels("unauthenticated").inc()
    config = web.config.current()
    address = client_address(request, config.options.trusted_proxies)
    # Strangers write these rows: their number is limited by address, and in all.
    if failures.count(address):
        entry = AuditEntry(user, NO_ROLE, _ACTION, str(address), HTTPStatus.FORBIDDEN)
        record_attempt(web, entry, reason=reason)
    return render_form(
        config,
        HTTPStatus.FORBIDDEN,
        path,
        say("Not signed in: %(reason)s.", reason=restore(reason, {})),
    )


def _unavailable(config: Config, path: str, exc: FetchFailed | KeysUnavailable) -> Response:
    logs.warning("dashboard.sign_in_unavailable", reason=str(exc))
    error = say(
        "The identity provider cannot be used now: %(reason)s. Try again, or sign in with a token.",
        reason=exc.text,
    )
    return render_form(config, HTTPStatus.SERVICE_UNAVAILABLE, path, error)


def _record_success(
    web: WebContext, holder: AccessToken, identity: Identity, answer: Response
) -> None:
    address = client_address(request, web.config.current().options.trusted_proxies)
    entry = AuditEntry(holder.name, holder.role, _ACTION, str(address), answer.status_code)
    record_attempt(web, entry, subject=identity.subject)


def _provider_sign_out(web: WebContext, sso: Sso | None) -> str | None:
    """Return the provider's page for signing out; None if there is none, or it is not reachable."""
    try:
        return None if sso is None else web.identity_provider.sign_out_url(sso)
    except (FetchFailed, KeysUnavailable):
        return None


def _require_sso(config: Config) -> Sso:
    if config.sso is None:
        raise NotFound(say("no identity provider is configured: sso in swrhook.yaml"))
    return config.sso


def _read_attempt(config: Config) -> str:
    return read_cookie(request, ATTEMPT_COOKIE, config.options.trusted_proxies)
