"""GET /api/docs: Swagger UI for the API, served without any other host.

The page and its assets are public; the OpenAPI document that they load needs a token. The assets
are those of the npm package swagger-ui-dist, unchanged, with its licence and notices.
"""

from flask import Blueprint, Response, request

from swrhook.web.context import WebContext
from swrhook.web.cookies import STRICT_TRANSPORT_SECURITY, is_https

# No other host, and no script or style except the files next to the page.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def api_docs_routes(web: WebContext) -> Blueprint:
    """Return the routes of the page and its assets."""
    blueprint = Blueprint("docs", __name__, static_folder="swagger", static_url_path="/api/docs")

    @blueprint.get("/api/docs")
    def page() -> Response:
        return blueprint.send_static_file("index.html")

    @blueprint.after_request
    def add_headers(answer: Response) -> Response:
        answer.headers["Content-Security-Policy"] = POLICY
        answer.headers["X-Content-Type-Options"] = "nosniff"
        answer.headers["Referrer-Policy"] = "no-referrer"
        if is_https(request, web.config.current().options.trusted_proxies):
            answer.headers["Strict-Transport-Security"] = STRICT_TRANSPORT_SECURITY
        return answer

    return blueprint
