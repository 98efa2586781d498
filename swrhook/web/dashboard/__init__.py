"""The dashboard at `/`: pages rendered by the server, for users signed in with a token."""

from flask import Blueprint, g, render_template
from werkzeug.exceptions import HTTPException

from swrhook import __version__, logs
from swrhook.errors import Refused
from swrhook.ledger.failures import is_unavailable, reason_of
from swrhook.units import format_span
from swrhook.web.access import Role, role_of
from swrhook.web.api.fields import format_instant
from swrhook.web.context import WebContext
from swrhook.web.dashboard import formats, labels
from swrhook.web.dashboard.administration import add_administration
from swrhook.web.dashboard.analysis import add_explain, add_whatif
from swrhook.web.dashboard.coverage import add_coverage
from swrhook.web.dashboard.deliveries import add_deliveries
from swrhook.web.dashboard.help import add_help
from swrhook.web.dashboard.language_switch import add_language_switch
from swrhook.web.dashboard.notifications import add_notifications
from swrhook.web.dashboard.overview import add_overview
from swrhook.web.dashboard.pauses import add_pauses
from swrhook.web.dashboard.repairs import add_repairs
from swrhook.web.dashboard.repositories import add_repositories
from swrhook.web.dashboard.rules import add_rules
from swrhook.web.dashboard.security import FORM_KEY, expected_form_key, protect
from swrhook.web.dashboard.selection import add_selection
from swrhook.web.dashboard.sign_in import add_sign_in
from swrhook.web.dashboard.single_sign_on import add_single_sign_on
from swrhook.web.dashboard.syncs import add_syncs
from swrhook.web.languages import current_language
from swrhook.web.problems import STATUSES
from swrhook.web.rate_limit import FailedSignIns
from swrhook.web.session import Session
from swrhook.wording.catalogues import NAMES as LANGUAGE_NAMES
from swrhook.wording.message import capitalize, say, say_list, to_sentence


def dashboard_pages(web: WebContext) -> Blueprint:
    """Return the pages. `access.guard` decides who may see them and use their buttons."""
    blueprint = Blueprint(
        "dashboard",
        __name__,
        template_folder="templates",
        static_folder="static",
        static_url_path="/static",
    )
    add_language_switch(blueprint, web)
    protect(blueprint, web)
    _add_template_context(blueprint, web)
    _add_error_pages(blueprint)
    failures = FailedSignIns()
    add_sign_in(blueprint, web, failures)
    add_single_sign_on(blueprint, web, failures)
    add_overview(blueprint, web)
    add_syncs(blueprint, web)
    add_selection(blueprint, web)
    add_deliveries(blueprint, web)
    add_repositories(blueprint, web)
    add_repairs(blueprint, web)
    add_rules(blueprint, web)
    add_pauses(blueprint, web)
    add_coverage(blueprint, web)
    add_notifications(blueprint, web)
    add_explain(blueprint, web)
    add_whatif(blueprint, web)
    add_administration(blueprint, web)
    add_help(blueprint)
    return blueprint


def _add_template_context(blueprint: Blueprint, web: WebContext) -> None:
    """Add the filters and variables that the templates use."""
    blueprint.add_app_template_filter(formats.instant, "instant")
    blueprint.add_app_template_filter(formats.format_ago, "ago")
    blueprint.add_app_template_filter(formats.shorten_digest, "short_digest")
    blueprint.add_app_template_filter(format_instant, "machine_instant")
    blueprint.add_app_template_filter(format_span, "span")
    blueprint.add_app_template_filter(formats.format_seconds, "seconds")
    blueprint.add_app_template_filter(formats.format_error, "error_with")
    blueprint.add_app_template_filter(labels.to_word, "word")
    blueprint.add_app_template_filter(say_list, "listed")
    blueprint.add_app_template_filter(capitalize, "capitalize")
    blueprint.add_app_template_filter(to_sentence, "sentence")

    @blueprint.context_processor
    def context() -> dict[str, object]:
        session = g.get("session")
        return {
            "labels": labels,
            "form_field": FORM_KEY,
            "form_key": expected_form_key(web),
            "language": current_language(),
            "languages": LANGUAGE_NAMES,
            "holder": None if session is None else session.holder,
            "may_operate": _has_role(session, Role.OPERATE),
            "may_administer": _has_role(session, Role.ADMIN),
            "now": web.clock.now(),
            "version": __version__,
            "documentation": web.config.current().options.documentation,
        }


def _has_role(session: Session | None, role: Role) -> bool:
    return session is not None and role_of(session.holder) >= role


# The titles of the usual errors, which are known by their status.
_TITLES = (
    *(say("Bad Request"), say("Forbidden"), say("Not Found"), say("Method Not Allowed")),
    *(say("Conflict"), say("Request Entity Too Large"), say("Unprocessable Entity")),
    *(say("Too Many Requests"), say("Unprocessable Content"), say("Content Too Large")),
)


def _add_error_pages(blueprint: Blueprint) -> None:
    """Render every error as a page with what happened and a link to the overview."""

    def page(status: int, title: str, detail: str) -> tuple[str, int]:
        text = render_template("dashboard/error.html", status=status, title=title, detail=detail)
        return text, status

    @blueprint.errorhandler(HTTPException)
    def http_error(exc: HTTPException) -> tuple[str, int]:
        return page(exc.code or 500, say(exc.name), exc.description or say(exc.name))

    @blueprint.errorhandler(Refused)
    def refused(exc: Refused) -> tuple[str, int]:
        status = STATUSES[type(exc)]
        return page(status, say(status.phrase), exc.text)

    @blueprint.errorhandler(Exception)
    def internal_error(exc: Exception) -> tuple[str, int]:
        if is_unavailable(exc):
            detail = say("The ledger cannot be used now: %(why)s.", why=reason_of(exc))
            return page(503, say("Service Unavailable"), detail)
        logs.failure("request.failed", exc)
        detail = say(
            "An error in swrhook itself, or an unreadable ledger; its log has the details."
        )
        return page(500, say("Internal Server Error"), detail)
