"""GET /api/v1/explain: why a tag was, or was not, replicated."""

from http import HTTPStatus
from typing import Any

from marshmallow import fields, validate

from swrhook.ledger.queries.tag_history import TagHistoryCall
from swrhook.model import Outcome
from swrhook.rules.match import FIELDS, RuleResult
from swrhook.rules.targets import TargetResult
from swrhook.rules.trace import ClauseTrace, PatternTrace, RuleTrace, TargetTrace
from swrhook.usecases.explain.model import ExplainedSender, ExplainedSync, Explanation
from swrhook.web.analysis import explain_tag
from swrhook.web.api.fields import Instant
from swrhook.web.api.queries import ExplainQuery
from swrhook.web.api.routing import blueprint, get
from swrhook.web.api.schema_base import ExampleSchema, one_of, schema_of
from swrhook.web.api.schemas import SyncSchema
from swrhook.web.context import WebContext


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
    verdict=RuleResult,
    clauses=ClauseSchema,
    targets=schema_of(TargetTrace, "RuleTarget", fate=TargetResult),
)
ExplanationSchema = schema_of(
    Explanation,
    senders=schema_of(ExplainedSender, rules=RuleTraceSchema),
    deliveries=ExplainedDeliverySchema,
    syncs=schema_of(ExplainedSync, sync=SyncSchema, calls=schema_of(TagHistoryCall, "Call")),
)


def explain_routes(web: WebContext) -> Any:  # noqa: ANN401  # as routing
    """Return the route."""
    routes = blueprint("explain", "Why a tag was, or was not, replicated.")

    @get(routes, "/explain", ExplanationSchema, ExplainQuery, [HTTPStatus.NOT_FOUND])
    def show(query: dict[str, Any]) -> Explanation:
        """Explain a tag: the rules in use, clause by clause, and what the ledger has recorded."""
        return explain_tag(web, query["image"], query.get("sender"))

    return routes
