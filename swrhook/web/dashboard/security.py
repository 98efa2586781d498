"""Protection of the dashboard: response headers, CSRF keys in forms."""

import hmac

from flask import Blueprint, Response, g, request
from werkzeug.exceptions import BadRequest

from swrhook.web.context import WebContext
from swrhook.web.cookies import STRICT_TRANSPORT_SECURITY, is_https, read_cookie
from swrhook.wording.message import say

# Only files of this host; no inline script or style, and no frame.
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
# Holds the form key before signing in; after that the session has one.
FORM_COOKIE = "swrhook_form"
LARGEST_FORM = 16 * 1024


def protect(blueprint: Blueprint, web: WebContext) -> None:
    """Add the headers to every answer, and check the form key of every POST."""

    @blueprint.before_request
    def check_form() -> None:
        # Set before the form is parsed: Flask refuses what is larger while it reads.
        may_be_large = request.endpoint == "dashboard.compare"
        request.max_content_length = (
            web.config.current().options.body_limit if may_be_large else LARGEST_FORM
        )
        if request.method != "POST":
            return
        # Browsers that do not send this header are covered by the key.
        site = request.headers.get("Sec-Fetch-Site", "same-origin")
        key = request.form.get(FORM_KEY, "").encode()
        expected = expected_form_key(web).encode()
        if site != "same-origin" or not expected or not hmac.compare_digest(key, expected):
            raise BadRequest(say("the form is too old or comes from another page: reload the page"))

    @blueprint.after_request
    def add_headers(answer: Response) -> Response:
        answer.headers.update(HEADERS)
        if is_https(request, web.config.current().options.trusted_proxies):
            answer.headers["Strict-Transport-Security"] = STRICT_TRANSPORT_SECURITY
        if request.endpoint != "dashboard.static":
            answer.headers["Cache-Control"] = "no-store"
        return answer


def expected_form_key(web: WebContext) -> str:
    """Return the key that a form in this request must contain; empty if there is none yet."""
    session = g.get("session")
    if session is None:
        return read_cookie(request, FORM_COOKIE, web.config.current().options.trusted_proxies)
    key: str = session.form_key
    return key
