"""Schemas of the API's bodies. Answers are derived from the dataclasses that the routes return."""

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from swrhook.ledger.audit import ListedAudit
from swrhook.ledger.queries import repairs, stats, views
from swrhook.model import Outcome, State
from swrhook.syncs.observations import DriftKind
from swrhook.syncs.pauses import PauseKind
from swrhook.syncs.reconciliation import Drift, RepairKind, Stage
from swrhook.web.api.fields import PlaceField, RepositoryField, TagField
from swrhook.web.api.schema_base import ExampleSchema, Length, page_of, schema_of
from swrhook.wording.message import say

MOST_TARGETS = 100
MOST_REPOSITORIES = 1000
_REPOSITORIES = Length(1, MOST_REPOSITORIES)


class ProblemSchema(ExampleSchema):
    """An error, RFC 9457."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    reasons = fields.List(fields.String())


SyncSchema = schema_of(
    views.ListedSync,
    "Sync",
    state=State,
    error=schema_of(views.ListedError, "Error"),
    drift=schema_of(views.ListedDrift, "SyncDrift", kind=DriftKind),
    paused=schema_of(views.ListedPause, "SyncPause", kind=PauseKind),
)
SyncPageSchema = page_of(SyncSchema, "SyncPage")


class SyncsSchema(ExampleSchema):
    """Syncs that belong together: of one order, or of one wait."""

    syncs = fields.List(fields.Nested(SyncSchema), required=True)


class WaitProblemSchema(ProblemSchema):
    """Why a wait ended without every sync being verified, and the syncs at that time."""

    syncs = fields.List(fields.Nested(SyncSchema), required=True)


DeliverySchema = schema_of(
    views.ListedDelivery,
    "Delivery",
    outcome=Outcome,
    pushes=schema_of(views.ListedPush, "Push"),
    duplicate_by=views.DuplicateBy,
    answered=Outcome,
)
DeliveryPageSchema = page_of(DeliverySchema, "DeliveryPage")

OutcomesSchema = ExampleSchema.from_dict(
    {outcome.value: fields.Integer(required=True) for outcome in Outcome}, name="OutcomesSchema"
)
SenderPageSchema = page_of(
    schema_of(views.ListedSender, "Sender", outcomes=OutcomesSchema, last_outcome=Outcome),
    "SenderPage",
)

AuditPageSchema = page_of(schema_of(ListedAudit, "Audited"), "AuditPage")

StatsSchema = schema_of(
    stats.Stats,
    syncs=schema_of(stats.SyncCount, state=State),
    deliveries=schema_of(stats.DeliveryCount, outcome=Outcome),
)


class TargetSchema(ExampleSchema):
    """A target of an order. `override` must be a JSON boolean: no string counts as true."""

    region = fields.String(required=True)
    namespace = fields.String(required=True)
    override = fields.Boolean(load_default=False, truthy={True}, falsy={False})


class OrderSchema(ExampleSchema):
    """An order of syncs by hand; without targets the rules decide."""

    image = TagField(required=True)
    source_region = fields.String(required=True)
    targets = fields.List(fields.Nested(TargetSchema), validate=Length(1, MOST_TARGETS))


class BackfillOrderSchema(ExampleSchema):
    """What to compare: repositories, organizations (`team-a`, `team-*`), or with `all` everything.

    `new_region`: only what is copied there. With `start`, syncs are recorded without confirmation.
    """

    repositories = fields.List(PlaceField(), validate=_REPOSITORIES)
    all = fields.Boolean(load_default=False, truthy={True}, falsy={False})
    new_region = fields.String()
    sender = fields.String()
    region = fields.String()
    rule = fields.String()
    start = fields.Boolean(load_default=False, truthy={True}, falsy={False})

    @validates_schema
    def _check_places(self, data: Mapping[str, Any], **_: object) -> None:
        """Refuse what names nothing to compare, or names it in two ways."""
        places = data.get("repositories", ())
        kinds = {bool(place.repository) for place in places}
        if not places and not data["all"] and data.get("new_region") is None:
            raise ValidationError(
                say("name repositories or organizations, or set all or new_region")
            )
        if kinds == {True, False}:
            raise ValidationError(say("name repositories or organizations, not both"))
        is_whole = data["all"] or data.get("new_region") is not None
        if True in kinds and is_whole:
            raise ValidationError(say("all and new_region are for whole organizations"))
        if data["all"] and places:
            raise ValidationError(say("all leaves nothing to name"))
        if True not in kinds and data.get("sender") is not None:
            raise ValidationError(say("sender is for named repositories"))


class ReconcileOrderSchema(ExampleSchema):
    """The repositories to compare; default: all in reach. `report` repairs nothing."""

    repositories = fields.List(RepositoryField(), validate=_REPOSITORIES)
    region = fields.String()
    report = fields.Boolean(load_default=False, truthy={True}, falsy={False})
    max_calls = fields.Integer(strict=True, validate=validate.Range(1, 1_000_000))


RepairSchema = schema_of(
    repairs.ListedRepair,
    "Repair",
    kind=RepairKind,
    state=Stage,
    plan=schema_of(repairs.ListedPlan, "Plan"),
    scope=schema_of(repairs.ListedScope, "Scope"),
)
RepairPageSchema = page_of(RepairSchema, "RepairPage")
FindingPageSchema = page_of(
    schema_of(repairs.ListedFinding, "Finding", drift=Drift, state=State), "FindingPage"
)
