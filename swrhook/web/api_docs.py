"""GET /api/docs: the API to read and to try out, without a network beyond this server.

The page and its assets hold nothing of anybody's; the description that they show needs a token.
Swagger UI is the npm package swagger-ui-dist as it is published, with its licence and notices.
"""

from flask import Blueprint, Response

# Nothing from elsewhere, and no script or style but the files beside the page.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def api_docs_routes() -> Blueprint:
    """Return the routes."""
    blueprint = Blueprint("docs", __name__, static_folder="swagger", static_url_path="/api/docs")

    @blueprint.get("/api/docs")
    def page() -> Response:
        return blueprint.send_static_file("index.html")

    @blueprint.after_request
    def protect(answer: Response) -> Response:
        answer.headers["Content-Security-Policy"] = POLICY
        answer.headers["X-Content-Type-Options"] = "nosniff"
        answer.headers["Referrer-Policy"] = "no-referrer"
        return answer

    return blueprint
