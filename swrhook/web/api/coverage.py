"""/api/v1/coverage: how much of what the rules want is at its targets."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from marshmallow import fields, validate

from swrhook.ledger.queries import coverage
from swrhook.syncs.coverage import Gap
from swrhook.usecases.rule_scope import coverage_keys
from swrhook.web.api.queries import LARGEST_PAGE
from swrhook.web.api.routing import Routes
from swrhook.web.api.schema_base import ExampleSchema, schema_of
from swrhook.web.context import WebContext

_USUAL_GAPS = 10


def _describe(text: str) -> dict[str, str]:
    return {"description": text}


class CoverageQuery(ExampleSchema):
    """The parameters of the coverage."""

    rule = fields.String(metadata=_describe("The name of a rule."))
    region = fields.String(metadata=_describe("The target's region."))
    gaps = fields.Integer(
        load_default=_USUAL_GAPS,
        validate=validate.Range(0, LARGEST_PAGE),
        metadata=_describe("How many gaps of each rule and region to name, the oldest first."),
    )
    limit = fields.Integer(
        load_default=100,
        validate=validate.Range(1, LARGEST_PAGE),
        metadata=_describe("The most items on a page."),
    )
    cursor = fields.Integer(
        load_default=0,
        validate=validate.Range(0),
        metadata=_describe("`next` of the previous page."),
    )


@dataclass(frozen=True, slots=True)
class CoveragePage:
    """The coverage by rule and region, in the order of the rules, and what discovery has listed."""

    items: Sequence[coverage.ListedCoverage]
    discovery: coverage.ListedDiscovery
    next: str | None


CoverageSchema = schema_of(
    CoveragePage,
    "CoveragePage",
    items=schema_of(
        coverage.ListedCoverage,
        "Coverage",
        gaps=schema_of(coverage.ListedGap, "Gap", kind=Gap),
    ),
    discovery=schema_of(
        coverage.ListedDiscovery,
        "Discovery",
        problems=schema_of(coverage.ListedProblem, "DiscoveryProblem"),
    ),
)


def add_coverage_routes(routes: Routes, web: WebContext) -> None:
    """Add the route of the coverage."""

    @routes.get("/coverage", CoverageSchema, CoverageQuery)
    def show(query: dict[str, Any]) -> CoveragePage:
        """Return how many tags each rule wants in each region, and how many are there."""
        keys = [
            key
            for key in coverage_keys(web.config.current())
            if query.get("rule") in (None, key.rule)
            and query.get("region") in (None, key.target_region)
        ]
        start, end = query["cursor"], query["cursor"] + query["limit"]
        is_large = query["gaps"] * len(keys[start:end]) > LARGEST_PAGE
        with web.large_pages.take() if is_large else nullcontext():
            items = web.read(coverage.list_coverage, keys[start:end], query["gaps"])
        following = str(end) if end < len(keys) else None
        return CoveragePage(items, web.read(coverage.read_discovery), following)
