"""The explain page: why a tag was, or was not, replicated, and what the answer is based on."""

from flask import Blueprint, render_template

from swrhook.errors import NothingUsable, UnknownSender
from swrhook.rules.trace import ClauseTrace
from swrhook.web.analysis import explain_tag
from swrhook.web.context import WebContext
from swrhook.web.dashboard.syncs import read_query


def add_explain(blueprint: Blueprint, web: WebContext) -> None:
    """Add the route of the explain page."""

    @blueprint.get("/explain")
    def explain() -> str:
        query = read_query()
        explanation = None
        errors: tuple[str, ...] = ()
        if "image" in query:
            try:
                explanation = explain_tag(web, query["image"], query.get("sender"))
            except NothingUsable as exc:
                errors = exc.reasons
            except UnknownSender:
                errors = (f"No sender is named {query['sender']}.",)
        return render_template(
            "dashboard/explain.html",
            query=query,
            explanation=explanation,
            errors=errors,
            senders=sorted(web.config.current().senders),
            describe_clause=describe_clause,
        )


def describe_clause(clause: ClauseTrace) -> str:
    """Write which patterns a field's value matches or, if none, which it does not match."""
    matching = [pattern.pattern for pattern in clause.patterns if pattern.matched]
    patterns = matching or [pattern.pattern for pattern in clause.patterns]
    verb = "matches" if matching else "does not match"
    alternatives = " or ".join(f'"{pattern}"' for pattern in patterns)
    negation = ('; excluded by "not"' if matching else ' (under "not")') if clause.excludes else ""
    return f'{clause.field} "{clause.value}" {verb} {alternatives}{negation}'
