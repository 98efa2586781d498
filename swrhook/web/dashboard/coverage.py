"""The page of coverage: what the rules want, what of it is there, and what is proposed."""

import re

from flask import Blueprint, render_template

from swrhook.ledger.queries import coverage
from swrhook.ledger.queries.repairs import ListedRepair
from swrhook.syncs.reconciliation import RepairKind, Stage
from swrhook.usecases.rule_scope import coverage_keys
from swrhook.web.api.queries import PageQuery
from swrhook.web.api.repairs import list_visible_repairs
from swrhook.web.context import WebContext
from swrhook.web.dashboard.syncs import read_query

_NUMBER = re.compile(r"[0-9]{1,6}", re.ASCII)
_PAGE_SIZE = 50
_GAPS = 20
_REPAIRS = 100


def add_coverage(blueprint: Blueprint, web: WebContext) -> None:
    """Add the page."""

    @blueprint.get("/coverage")
    def coverage_page() -> str:
        query = read_query()
        keys = [
            key
            for key in coverage_keys(web.config.current())
            if query.get("rule", "") in key.rule
            and query.get("region") in (None, key.target_region)
        ]
        start = int(query["from"]) if _NUMBER.fullmatch(query.get("from", "")) else 0
        end = start + _PAGE_SIZE
        items = web.read(coverage.list_coverage, keys[start:end], _GAPS)
        return render_template(
            "dashboard/coverage.html",
            query=query,
            items=items,
            discovery=web.read(coverage.read_discovery),
            proposals=_proposals(web),
            next=end if end < len(keys) else None,
        )


def _proposals(web: WebContext) -> list[ListedRepair]:
    """Return the backfills among the latest that swrhook proposes, and that wait for a start."""
    query = PageQuery().load({"limit": _REPAIRS})
    page = list_visible_repairs(web, query, RepairKind.BACKFILL)
    return [repair for repair in page.items if repair.proposed and repair.state == Stage.PLANNED]
