"""What other rules would have done with the pushes that came: pasted, or from a file."""

from collections.abc import Sequence

from flask import Blueprint, render_template, request

from swrhook.config.candidate import read_candidate
from swrhook.errors import BadConfiguration
from swrhook.units import parse_duration
from swrhook.usecases.whatif import WhatIf, whatif
from swrhook.web.context import WebContext
from swrhook.web.dashboard.labels import SINCE


def add_whatif(blueprint: Blueprint, web: WebContext) -> None:
    """Add the routes. A comparison changes nothing; it is only too long for an address."""

    @blueprint.get("/what-if")
    def what_if() -> str:
        return _page("", "7d", [])

    @blueprint.post("/what-if")
    def compare() -> str:
        text, since = _given(), request.form.get("since", "")
        since = since if since in SINCE else "7d"
        current = web.config.current()
        try:
            candidate = read_candidate(text.encode("utf-8", "replace"), current)
        except BadConfiguration as exc:
            return _page(text, since, [str(mistake) for mistake in exc.mistakes])
        found = whatif(candidate, current, web.database, web.clock.now() - parse_duration(since))
        return _page(text, since, [], found)


def _given() -> str:
    """Return what was pasted, or the file where one was chosen."""
    file = request.files.get("file")
    if file is not None and file.filename:
        return str(file.read(), "utf-8", "replace")
    return request.form.get("candidate", "")


def _page(text: str, since: str, mistakes: Sequence[str], found: WhatIf | None = None) -> str:
    return render_template(
        "dashboard/what_if.html",
        candidate=text,
        asked={"since": since},
        mistakes=mistakes,
        found=found,
    )
