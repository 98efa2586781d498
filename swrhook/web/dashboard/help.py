"""The page of help: where to look for what, and what each state means."""

from collections.abc import Mapping

from flask import Blueprint, render_template

from swrhook.web.dashboard.labels import (
    DRIFTS,
    FINDINGS,
    NOTIFICATIONS,
    OUTCOMES,
    STAGES,
    STATES,
    Label,
)
from swrhook.wording.message import Message, say

TABLES: Mapping[Message, Mapping[str, Label]] = {
    say("States of a sync"): STATES,
    say("A verified sync whose target has changed since"): DRIFTS,
    say("Outcomes of a delivery"): OUTCOMES,
    say("States of a backfill or reconcile"): STAGES,
    say("What a backfill or reconcile finds for a tag"): FINDINGS,
    say("States of a notification"): NOTIFICATIONS,
}


def add_help(blueprint: Blueprint) -> None:
    """Add the page."""

    @blueprint.get("/help")
    def help_page() -> str:
        return render_template("dashboard/help.html", tables=TABLES)
