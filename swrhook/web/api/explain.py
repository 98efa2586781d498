"""What an explanation looks like."""

from http import HTTPStatus
from typing import Any

from marshmallow import fields, validate

from swrhook.model import Outcome
from swrhook.rules.match import FIELDS, RuleResult
from swrhook.rules.targets import TargetResult
from swrhook.usecases.explain import Explanation, explain
from swrhook.web.api.fields import Instant
from swrhook.web.api.queries import ExplainQuery
from swrhook.web.api.routing import blueprint, get
from swrhook.web.api.schema_base import Exemplary
from swrhook.web.api.schemas import SyncSchema
from swrhook.web.context import WebContext


class PatternSchema(Exemplary):
    """One pattern of a clause, as the file writes it."""

    pattern = fields.String(required=True)
    matched = fields.Boolean(required=True)


class ClauseSchema(Exemplary):
    """What a rule asks of one field; `excludes` where it stands under `not`."""

    field = fields.String(required=True, validate=validate.OneOf(FIELDS))
    value = fields.String(required=True)
    excludes = fields.Boolean(required=True)
    matched = fields.Boolean(required=True)
    patterns = fields.List(fields.Nested(PatternSchema), required=True)


class RuleTargetSchema(Exemplary):
    """One target of a rule that wants the push, and what becomes of it."""

    region = fields.String(required=True)
    namespace = fields.String(required=True)
    override = fields.Boolean(required=True)
    fate = fields.String(required=True, validate=validate.OneOf([*TargetResult]))
    reason = fields.String(required=True, allow_none=True)


class RuleTraceSchema(Exemplary):
    """What one rule says of the push."""

    rule = fields.String(required=True)
    verdict = fields.String(required=True, validate=validate.OneOf([*RuleResult]))
    shadow = fields.Boolean(required=True)
    reason = fields.String(required=True, allow_none=True)
    clauses = fields.List(fields.Nested(ClauseSchema), required=True)
    targets = fields.List(fields.Nested(RuleTargetSchema), required=True)


class ExplainedSenderSchema(Exemplary):
    """What becomes now of a push of the tag by one sender."""

    sender = fields.String(required=True)
    region = fields.String(required=True)
    wanted = fields.Boolean(required=True)
    summary = fields.String(required=True)
    rules = fields.List(fields.Nested(RuleTraceSchema), required=True)
    rules_left_out = fields.Integer(required=True)


class ExplainedDeliverySchema(Exemplary):
    """A delivery that announced the tag; `about` is what its reason says of this tag alone."""

    id = fields.String(required=True, attribute="delivery.id")
    sender = fields.String(required=True, attribute="delivery.sender")
    outcome = fields.String(
        required=True, attribute="delivery.outcome", validate=validate.OneOf([*Outcome])
    )
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


class CallSchema(Exemplary):
    """A call of sync_images that carried the tag; without an error, `code` is null."""

    id = fields.String(required=True)
    started_at = Instant(required=True)
    ended_at = Instant(required=True, allow_none=True)
    code = fields.String(required=True, allow_none=True)
    message = fields.String(required=True, allow_none=True)
    digest = fields.String(required=True, allow_none=True)


class ExplainedSyncSchema(Exemplary):
    """A sync of the tag, why an open one waits, and its calls."""

    sync = fields.Nested(SyncSchema, required=True)
    waiting = fields.String(required=True, allow_none=True)
    rules_changed = fields.Boolean(required=True)
    calls = fields.List(fields.Nested(CallSchema), required=True)


class ExplanationSchema(Exemplary):
    """Everything that is known of one tag, newest first; `summary` is the answer in a sentence."""

    image = fields.String(required=True)
    summary = fields.String(required=True)
    rules_version = fields.String(required=True)
    oldest_record_at = Instant(required=True, allow_none=True)
    senders = fields.List(fields.Nested(ExplainedSenderSchema), required=True)
    deliveries = fields.List(fields.Nested(ExplainedDeliverySchema), required=True)
    syncs = fields.List(fields.Nested(ExplainedSyncSchema), required=True)


def explain_routes(web: WebContext) -> Any:  # noqa: ANN401  # as routing
    """Return the route."""
    routes = blueprint("explaining", "Why a tag was, or was not, replicated.")

    @get(routes, "/explain", ExplanationSchema, ExplainQuery, [HTTPStatus.NOT_FOUND])
    def show(query: dict[str, Any]) -> Explanation:
        """Explain a tag: the rules in use, clause by clause, and what the ledger knows of it."""
        return explain(
            query["image"], query.get("sender"), web.config.current(), web.database, web.clock.now()
        )

    return routes
