"""/api/v1/explain and /api/v1/whatif: what the rules did, and what other rules would have done."""

from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Any, TypeVar

from flask import Response
from marshmallow import fields, validate

from swrhook.errors import BadConfiguration, Mistake
from swrhook.ledger.queries.tag_history import TagHistoryCall
from swrhook.model import Outcome
from swrhook.rules.match import FIELDS, RuleResult
from swrhook.rules.plan import PlanChange
from swrhook.rules.targets import TargetResult
from swrhook.rules.trace import ClauseTrace, PatternTrace, RuleTrace, TargetTrace
from swrhook.separate_process import TookTooLong, run_separately
from swrhook.usecases.explain.answer import explain
from swrhook.usecases.explain.model import ExplainedSender, ExplainedSync, Explanation
from swrhook.usecases.whatif import Example, WhatIf, compare_text, read_basis
from swrhook.web.access import scope
from swrhook.web.api.fields import Instant, Since, SinceField
from swrhook.web.api.queries import ExplainQuery, point_in_time
from swrhook.web.api.routing import Routes
from swrhook.web.api.schema_base import ExampleSchema, one_of, schema_of
from swrhook.web.api.schemas import SyncSchema
from swrhook.web.context import WebContext
from swrhook.web.problems import problem

Basis = TypeVar("Basis")
Result = TypeVar("Result")

DEFAULT_SINCE = timedelta(days=7)
COMPARISON_TIMEOUT = 30  # seconds
_BUSY = HTTPStatus.TOO_MANY_REQUESTS


class ExplainedDeliverySchema(ExampleSchema):
    """A delivery that announced the tag, written flat; `about` is the part on this tag alone."""

    id = fields.String(required=True, attribute="delivery.id")
    sender = fields.String(required=True, attribute="delivery.sender")
    outcome = one_of(Outcome, required=True, attribute="delivery.outcome")
    reason = fields.String(required=True, allow_none=True, attribute="delivery.reason")
    about = fields.String(required=True, allow_none=True)
    received_at = Instant(required=True, attribute="delivery.received_at")
    digest = fields.String(required=True, allow_none=True, attribute="delivery.digest")
    rules_version = fields.String(required=True, attribute="delivery.rules_version")
    rules_changed = fields.Boolean(required=True)
    original = fields.String(required=True, allow_none=True, attribute="delivery.original")
    replayed_from = fields.String(
        required=True, allow_none=True, attribute="delivery.replayed_from"
    )
    syncs = fields.List(fields.String(), required=True, attribute="delivery.syncs")


ClauseSchema = schema_of(
    ClauseTrace,
    "Clause",
    field=fields.String(required=True, validate=validate.OneOf(FIELDS)),
    patterns=schema_of(PatternTrace, "Pattern"),
)
RuleTraceSchema = schema_of(
    RuleTrace,
    result=RuleResult,
    clauses=ClauseSchema,
    targets=schema_of(TargetTrace, "RuleTarget", result=TargetResult),
)
ExplanationSchema = schema_of(
    Explanation,
    senders=schema_of(ExplainedSender, rules=RuleTraceSchema),
    deliveries=ExplainedDeliverySchema,
    syncs=schema_of(ExplainedSync, sync=SyncSchema, calls=schema_of(TagHistoryCall, "Call")),
)


def add_explain_routes(routes: Routes, web: WebContext) -> None:
    """Add the route."""

    @routes.get("/explain", ExplanationSchema, ExplainQuery, [HTTPStatus.NOT_FOUND, _BUSY])
    def show(query: dict[str, Any]) -> Explanation:
        """Explain a tag: the rules in use, clause by clause, and what the ledger has recorded."""
        return explain_tag(web, query["image"], query.get("sender"))


def explain_tag(web: WebContext, image: str, sender: str | None) -> Explanation:
    """Return why a tag was, or was not, replicated.

    Raises NothingUsable, UnknownSender, UnknownImage, and RateLimited while others are explained.
    """
    now = web.clock.now()
    with web.computations.take():
        return explain(image, sender, web.config.current(), web.database, now, scope())


class CandidateSchema(ExampleSchema):
    """The rules to compare with those in use, and the time since which pushes count."""

    candidate = fields.String(
        required=True,
        metadata={
            "description": "YAML or JSON with the structure of `swrhook.yaml`: `rules` and, where"
            " they differ from those in use, `defaults`, `senders` and `swr.regions`. The rest is"
            " ignored."
        },
    )
    since = SinceField(
        load_default=DEFAULT_SINCE,
        metadata={"description": "Recorded at or after: a time (RFC 3339) or `7d`."},
    )


WhatIfSchema = schema_of(WhatIf, examples=schema_of(Example, "Difference", change=PlanChange))


def add_whatif_routes(routes: Routes, web: WebContext) -> None:
    """Add the route."""

    @routes.post_query("/whatif", WhatIfSchema, CandidateSchema, [_BUSY])
    def compare(body: dict[str, Any]) -> WhatIf | Response:
        """Evaluate the recorded pushes with other rules; changes nothing."""
        try:
            return compare_rules(web, body["candidate"], body["since"])
        except BadConfiguration as exc:
            reasons = [str(mistake) for mistake in exc.mistakes]
            detail = "the candidate is invalid"
            return problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, reasons=reasons)


def compare_rules(web: WebContext, candidate: str, since: Since) -> WhatIf:
    """Return what the candidate's rules would change for the pushes recorded since then.

    Raises BadConfiguration if the candidate is invalid or takes too long, and RateLimited while
    another one is compared.
    """
    with web.comparisons.take():
        start = point_in_time(since, web.clock.now())
        basis = read_basis(web.config.current(), web.database, start)
        return evaluate(compare_text, candidate, basis)


def evaluate(function: Callable[[bytes, Basis], Result], candidate: str, basis: Basis) -> Result:
    """Return what a function makes of a candidate, in a process of its own.

    Raises BadConfiguration if the candidate is invalid or takes too long.
    """
    # "replace": JSON text may hold a lone surrogate, which UTF-8 cannot encode.
    text = candidate.encode("utf-8", "replace")
    try:
        return run_separately(COMPARISON_TIMEOUT, function, text, basis)
    except TookTooLong:
        message = (
            f"takes longer than {COMPARISON_TIMEOUT} seconds: fewer rules are needed or, to compare"
            " them, pushes of a shorter time (since)"
        )
        raise BadConfiguration([Mistake("candidate", 0, 0, message)]) from None
