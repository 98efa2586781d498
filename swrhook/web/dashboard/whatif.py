"""The what-if page: what other rules, pasted or in a file, would have done with past pushes."""

from collections.abc import Sequence

from flask import Blueprint, render_template, request

from swrhook.errors import BadConfiguration
from swrhook.units import parse_duration
from swrhook.usecases.whatif import WhatIf
from swrhook.web.analysis import compare_rules
from swrhook.web.context import WebContext
from swrhook.web.dashboard.labels import SINCE

_DEFAULT_SINCE = "7d"


def add_whatif(blueprint: Blueprint, web: WebContext) -> None:
    """Add the routes. The POST changes nothing; the rules are too long for a URL."""

    @blueprint.get("/what-if")
    def what_if() -> str:
        return _render("", _DEFAULT_SINCE, [])

    @blueprint.post("/what-if")
    def compare() -> str:
        candidate, since = _read_candidate(), request.form.get("since", "")
        since = since if since in SINCE else _DEFAULT_SINCE
        try:
            comparison = compare_rules(web, candidate, parse_duration(since))
        except BadConfiguration as exc:
            return _render(candidate, since, [str(mistake) for mistake in exc.mistakes])
        return _render(candidate, since, [], comparison)


def _read_candidate() -> str:
    """Return the file, if one was chosen, or else the pasted text."""
    file = request.files.get("file")
    if file is not None and file.filename:
        return str(file.read(), "utf-8", "replace")
    return request.form.get("candidate", "")


def _render(
    candidate: str, since: str, errors: Sequence[str], comparison: WhatIf | None = None
) -> str:
    return render_template(
        "dashboard/what_if.html",
        candidate=candidate,
        query={"since": since},
        errors=errors,
        comparison=comparison,
    )
