"""The rules in use, as they stand in the file."""

from collections.abc import Mapping
from dataclasses import dataclass

import yaml
from flask import Blueprint, render_template, request

from swrhook.config.nodes import Data
from swrhook.web.api.rules_and_stats import written_rules
from swrhook.web.context import WebContext
from swrhook.web.dashboard.syncs import PAGE, asked_for


@dataclass(frozen=True, slots=True)
class RuleText:
    """One rule, its name apart, as YAML."""

    name: str
    text: str


def add_rules(blueprint: Blueprint, web: WebContext) -> None:
    """Add the route."""

    @blueprint.get("/rules")
    def rules() -> str:
        current = web.config.current()
        asked = asked_for()
        written = written_rules(current.text, current.version)
        wanted = [rule for rule in written.rules if asked.get("name", "") in rule["name"]]
        start = request.args.get("from", 0, type=int)
        shown = wanted[max(start, 0) :][:PAGE]
        return render_template(
            "dashboard/rules.html",
            asked=asked,
            version=current.version,
            defaults=_yaml(written.defaults) if written.defaults else "",
            rules=[_text(rule) for rule in shown],
            total=len(written.rules),
            senders=sorted(current.senders),
            next=start + PAGE if start + PAGE < len(wanted) else None,
        )


def _text(rule: Mapping[str, Data]) -> RuleText:
    return RuleText(rule["name"], _yaml({key: rule[key] for key in rule if key != "name"}))


def _yaml(value: object) -> str:
    return str(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100)).rstrip()
