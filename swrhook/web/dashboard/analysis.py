"""The explain page and the what-if page: what the rules do, and what others would have done."""

from collections.abc import Sequence
from dataclasses import replace

from flask import Blueprint, render_template, request

from swrhook.errors import BadConfiguration, NothingUsable, UnknownSender
from swrhook.ledger.rows import group
from swrhook.rules.trace import ClauseTrace
from swrhook.units import parse_duration
from swrhook.usecases.explain.model import ExplainedSender
from swrhook.usecases.whatif import WhatIf
from swrhook.web.api.analysis import compare_rules, explain_tag
from swrhook.web.api.deliveries import visible_senders
from swrhook.web.context import WebContext
from swrhook.web.dashboard.labels import SINCE
from swrhook.web.dashboard.syncs import read_query
from swrhook.wording.message import say, say_alternatives

_DEFAULT_SINCE = "7d"


def add_explain(blueprint: Blueprint, web: WebContext) -> None:
    """Add the route of the explain page."""

    @blueprint.get("/explain")
    def explain() -> str:
        query = read_query()
        explanation = None
        errors: Sequence[str] = ()
        if "image" in query:
            try:
                explanation = explain_tag(web, query["image"], query.get("sender"))
            except NothingUsable as exc:
                errors = exc.reasons
            except UnknownSender:
                errors = (say("No sender is named %(sender)s.", sender=query["sender"]),)
        return render_template(
            "dashboard/explain.html",
            query=query,
            explanation=explanation,
            answers=[] if explanation is None else group_equal(explanation.senders),
            errors=errors,
            senders=visible_senders(web.config.current()),
            describe_clause=describe_clause,
        )


def group_equal(
    senders: Sequence[ExplainedSender],
) -> list[tuple[Sequence[str], ExplainedSender]]:
    """Return each answer once, with the names of all the senders that it holds for."""
    by_answer = group((repr(replace(sender, sender="")), sender) for sender in senders)
    return [([sender.sender for sender in equal], equal[0]) for equal in by_answer.values()]


def describe_clause(clause: ClauseTrace) -> str:
    """Write which patterns a field's value matches or, if none, which it does not match."""
    matching = [pattern.pattern for pattern in clause.patterns if pattern.matched]
    patterns = matching or [pattern.pattern for pattern in clause.patterns]
    sentence = _CLAUSES[bool(matching), clause.excludes]
    alternatives = say_alternatives([f'"{pattern}"' for pattern in patterns])
    return sentence.using(field=clause.field, value=clause.value, patterns=alternatives)


# By whether a pattern matches, and whether the clause stands under `not`.
_CLAUSES = {
    (True, False): say('%(field)s "%(value)s" matches %(patterns)s'),
    (False, False): say('%(field)s "%(value)s" does not match %(patterns)s'),
    (True, True): say('%(field)s "%(value)s" matches %(patterns)s; excluded by "not"'),
    (False, True): say('%(field)s "%(value)s" does not match %(patterns)s (under "not")'),
}


def add_whatif(blueprint: Blueprint, web: WebContext) -> None:
    """Add the routes of the what-if page.

    The POST changes nothing; the rules are too long for a URL.
    """

    @blueprint.get("/what-if")
    def what_if() -> str:
        return _render_comparison("", _DEFAULT_SINCE)

    @blueprint.post("/what-if")
    def compare() -> str:
        candidate, since = _read_candidate(), request.form.get("since", "")
        since = since if since in SINCE else _DEFAULT_SINCE
        try:
            comparison = compare_rules(web, candidate, parse_duration(since))
        except BadConfiguration as exc:
            return _render_comparison(candidate, since, [str(mistake) for mistake in exc.mistakes])
        return _render_comparison(candidate, since, comparison=comparison)


def _read_candidate() -> str:
    """Return the file, if one was chosen, or else the pasted text."""
    file = request.files.get("file")
    if file is not None and file.filename:
        return str(file.read(), "utf-8", "replace")
    return request.form.get("candidate", "")


def _render_comparison(
    candidate: str, since: str, errors: Sequence[str] = (), comparison: WhatIf | None = None
) -> str:
    return render_template(
        "dashboard/what_if.html",
        candidate=candidate,
        query={"since": since},
        errors=errors,
        comparison=comparison,
    )
