"""Why a tag was, or was not, replicated: the answer in one sentence, then what it is drawn from."""

from flask import Blueprint, render_template

from swrhook.errors import NothingUsable, UnknownSender
from swrhook.rules.trace import ClauseTrace
from swrhook.usecases.explain import Explanation, explain
from swrhook.web.context import WebContext
from swrhook.web.dashboard.syncs import asked_for


def add_explain(blueprint: Blueprint, web: WebContext) -> None:
    """Add the route."""

    @blueprint.get("/explain")
    def explained() -> str:
        asked = asked_for()
        found: Explanation | None = None
        reasons: tuple[str, ...] = ()
        if "image" in asked:
            try:
                found = explain(
                    asked["image"],
                    asked.get("sender"),
                    web.config.current(),
                    web.database,
                    web.clock.now(),
                )
            except NothingUsable as exc:
                reasons = exc.reasons
            except UnknownSender:
                reasons = (f"No sender is named {asked['sender']}.",)
        return render_template(
            "dashboard/explain.html",
            asked=asked,
            found=found,
            reasons=reasons,
            senders=sorted(web.config.current().senders),
            clause_says=clause_says,
        )


def clause_says(clause: ClauseTrace) -> str:
    """Say what a field's value meets or, where it meets nothing, what it had to."""
    matched = [each.pattern for each in clause.patterns if each.matched]
    patterns = matched or [each.pattern for each in clause.patterns]
    verb = "fits" if matched else "does not fit"
    wanted = " or ".join(f"«{pattern}»" for pattern in patterns)
    excluded = ", which «not» excludes" if clause.excludes else ""
    return f"{clause.field} «{clause.value}» {verb} {wanted}{excluded}"
