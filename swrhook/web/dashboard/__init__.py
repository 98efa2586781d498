"""The dashboard at `/`: server-made pages for whoever is signed in with a token."""

from flask import Blueprint, g, render_template
from werkzeug.exceptions import HTTPException

from swrhook import logs
from swrhook.errors import Refused
from swrhook.web.access import Role, role_of
from swrhook.web.context import WebContext
from swrhook.web.dashboard import formatting, labels
from swrhook.web.dashboard.deliveries import add_deliveries
from swrhook.web.dashboard.explain import add_explain
from swrhook.web.dashboard.overview import add_overview
from swrhook.web.dashboard.repositories import add_repositories
from swrhook.web.dashboard.rules import add_rules
from swrhook.web.dashboard.security import FORM_KEY, known_form_key, protect
from swrhook.web.dashboard.sign_in import add_sign_in
from swrhook.web.dashboard.syncs import add_sync_actions, add_syncs
from swrhook.web.dashboard.whatif import add_whatif
from swrhook.web.problems import STATUSES


def dashboard_pages(web: WebContext) -> Blueprint:
    """Return the pages. access.py decides who may see them, and who may press their buttons."""
    blueprint = Blueprint(
        "dashboard",
        __name__,
        template_folder="templates",
        static_folder="static",
        static_url_path="/static",
    )
    protect(blueprint, web)
    _furnish(blueprint, web)
    _tell_errors(blueprint)
    add_sign_in(blueprint, web)
    add_overview(blueprint, web)
    add_syncs(blueprint, web)
    add_sync_actions(blueprint, web)
    add_deliveries(blueprint, web)
    add_repositories(blueprint, web)
    add_rules(blueprint, web)
    add_explain(blueprint, web)
    add_whatif(blueprint, web)
    return blueprint


def _furnish(blueprint: Blueprint, web: WebContext) -> None:
    """Give the templates what each of them needs."""
    blueprint.add_app_template_filter(formatting.instant, "instant")
    blueprint.add_app_template_filter(formatting.machine_instant, "machine_instant")
    blueprint.add_app_template_filter(formatting.took, "took")
    blueprint.add_app_template_filter(formatting.took_seconds, "seconds")

    @blueprint.context_processor
    def furnish() -> dict[str, object]:
        session = g.get("session")
        return {
            "labels": labels,
            "form_field": FORM_KEY,
            "form_key": known_form_key(),
            "holder": None if session is None else session.holder,
            "may_operate": session is not None and role_of(session.holder) >= Role.OPERATE,
            "now": web.clock.now(),
        }


def _tell_errors(blueprint: Blueprint) -> None:
    """Make every error a page: what happened, and the way on."""

    def page(status: int, title: str, detail: str) -> tuple[str, int]:
        text = render_template("dashboard/error.html", status=status, title=title, detail=detail)
        return text, status

    @blueprint.errorhandler(HTTPException)
    def http_error(exc: HTTPException) -> tuple[str, int]:
        return page(exc.code or 500, exc.name, exc.description or exc.name)

    @blueprint.errorhandler(Refused)
    def refused(exc: Refused) -> tuple[str, int]:
        status = STATUSES[type(exc)]
        return page(status, status.phrase, str(exc))

    @blueprint.errorhandler(Exception)
    def defect(exc: Exception) -> tuple[str, int]:
        logs.failure("request.failed", exc)
        detail = (
            "An error of swrhook itself, or the ledger cannot be read: its log has the details."
        )
        return page(500, "Internal Server Error", detail)
