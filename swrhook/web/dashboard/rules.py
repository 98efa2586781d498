"""The page of rules: the rules in use, as the configuration file has them."""

from collections.abc import Mapping
from http import HTTPStatus

import yaml
from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from swrhook.config.nodes import Data
from swrhook.ledger.auto_sync_overlaps import MOST_LISTED, list_overlaps
from swrhook.web.access import scope
from swrhook.web.api.administration import rules_in_use
from swrhook.web.api.pending_rules import accept_rules as accept
from swrhook.web.api.pending_rules import pending_rules
from swrhook.web.context import WebContext
from swrhook.web.dashboard.syncs import PAGE_SIZE, read_query
from swrhook.wording.message import say

# Shown after a button was pressed, by the parameter `note` in the URL.
NOTES = {"accepted": say("Accepted. Every process uses them within seconds.")}


def add_rules(blueprint: Blueprint, web: WebContext) -> None:
    """Add the route of rules."""

    @blueprint.get("/rules")
    def rules() -> str:
        current = web.config.current()
        query = read_query()
        query.pop("note", None)
        written = rules_in_use(web)
        matching = [rule for rule in written.rules if query.get("name", "") in rule["name"]]
        start = request.args.get("from", 0, type=int)
        page = matching[max(start, 0) :][:PAGE_SIZE]
        return render_template(
            "dashboard/rules.html",
            query=query,
            rules_version=current.version,
            defaults=_to_yaml(written.defaults) if written.defaults else "",
            rules={rule["name"]: _format_rule(rule) for rule in page},
            total=len(written.rules),
            senders=sorted(current.senders),
            held=pending_rules(web),
            note=NOTES.get(request.args.get("note", "")),
            overlaps=web.read(list_overlaps, scope())[:MOST_LISTED],
            next=start + PAGE_SIZE if start + PAGE_SIZE < len(matching) else None,
        )

    @blueprint.post("/rules/accept")
    def accept_rules() -> Response:
        accept(web, request.form.get("fingerprint", ""))
        return redirect(url_for(".rules", note="accepted"), HTTPStatus.SEE_OTHER)


def _format_rule(rule: Mapping[str, Data]) -> str:
    """Write a rule without its name as YAML."""
    return _to_yaml({key: rule[key] for key in rule if key != "name"})


def _to_yaml(value: object) -> str:
    return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100)).rstrip()
