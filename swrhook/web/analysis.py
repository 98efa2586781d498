"""Explain a tag, and compare other rules with those in use, for the API and the dashboard."""

from swrhook.config.candidate import read_candidate
from swrhook.usecases.explain.answer import explain
from swrhook.usecases.explain.model import Explanation
from swrhook.usecases.whatif import WhatIf, whatif
from swrhook.web.api.fields import Since
from swrhook.web.api.queries import point_in_time
from swrhook.web.context import WebContext


def explain_tag(web: WebContext, image: str, sender: str | None) -> Explanation:
    """Return why a tag was, or was not, replicated. Raises NothingUsable, UnknownSender."""
    return explain(image, sender, web.config.current(), web.database, web.clock.now())


def compare_rules(web: WebContext, candidate: str, since: Since) -> WhatIf:
    """Return what the candidate's rules would change for the pushes recorded since then.

    Raises BadConfiguration if the candidate is invalid.
    """
    config = web.config.current()
    # "replace": JSON text may hold a lone surrogate, which UTF-8 cannot encode.
    proposal = read_candidate(candidate.encode("utf-8", "replace"), config)
    return whatif(proposal, config, web.database, point_in_time(since, web.clock.now()))
