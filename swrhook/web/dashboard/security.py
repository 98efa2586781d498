"""What keeps the dashboard's pages to themselves: headers, forms that prove their origin."""

import hmac
from secrets import token_urlsafe

from flask import Blueprint, Request, Response, g, request
from werkzeug.exceptions import BadRequest

from swrhook.web.client_address import Networks, peer_is_in
from swrhook.web.context import WebContext

# Nothing but our own files; no script, style or frame that stands in a page itself.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
FORM_KEY = "form_key"
# Holds the form key of somebody who is not signed in yet.
FORM_COOKIE = "swrhook_form"
LARGEST_FORM = 16 * 1024


def protect(blueprint: Blueprint, web: WebContext) -> None:
    """Add the headers to every answer, and check the key of every form."""

    @blueprint.before_request
    def check_form() -> None:
        may_be_large = request.endpoint == "dashboard.compare"
        request.max_content_length = (
            web.config.current().options.body_limit if may_be_large else LARGEST_FORM
        )
        if request.method != "POST":
            return
        site = request.headers.get("Sec-Fetch-Site", "same-origin")
        given = request.form.get(FORM_KEY, "").encode()
        expected = known_form_key().encode()
        if site != "same-origin" or not expected or not hmac.compare_digest(given, expected):
            raise BadRequest("the form is too old, or not one of this page: load the page again")

    @blueprint.after_request
    def add_headers(answer: Response) -> Response:
        answer.headers.update(HEADERS)
        if request.endpoint != "dashboard.static":
            answer.headers["Cache-Control"] = "no-store"
        return answer


def known_form_key() -> str:
    """Return what the forms of whoever sent this request must hold; empty: none was given yet."""
    session = g.get("session")
    key: str = request.cookies.get(FORM_COOKIE, "") if session is None else session.form_key
    return key


def new_form_key() -> str:
    """Return a key that nobody can guess."""
    return token_urlsafe(16)


def set_cookie(answer: Response, name: str, value: str, trusted: Networks) -> None:
    """Set a cookie for this host that no script reads, and no other site's form sends.

    Lax and not Strict: a link in an alert leads to the page, not to signing in once more.
    """
    answer.set_cookie(name, value, secure=is_https(request, trusted), httponly=True, samesite="Lax")


def is_https(request: Request, trusted: Networks) -> bool:
    """Tell whether the browser speaks TLS, to us or to a proxy that is trusted to say so."""
    if request.is_secure:
        return True
    told = request.headers.get("X-Forwarded-Proto", "").rpartition(",")[2].strip()
    return told.lower() == "https" and peer_is_in(request, trusted)
