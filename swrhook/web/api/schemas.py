"""Schemas of the API's bodies. Answers are derived from the dataclasses that the routes return."""

from marshmallow import fields, validate

from swrhook.ledger.audit import ListedAudit
from swrhook.ledger.queries import repairs, stats, views
from swrhook.model import Outcome, State
from swrhook.syncs.observations import DriftKind
from swrhook.syncs.pauses import PauseKind
from swrhook.syncs.reconciliation import Drift, RepairKind, Stage
from swrhook.web.api.fields import RepositoryField, TagField
from swrhook.web.api.schema_base import ExampleSchema, page_of, schema_of

MOST_TARGETS = 100
MOST_REPOSITORIES = 1000
_REPOSITORIES = validate.Length(1, MOST_REPOSITORIES)


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
    schema_of(views.ListedSender, "Sender", outcomes=OutcomesSchema), "SenderPage"
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
    targets = fields.List(fields.Nested(TargetSchema), validate=validate.Length(1, MOST_TARGETS))


class BackfillOrderSchema(ExampleSchema):
    """The repositories to compare; with `start`, syncs are recorded without confirmation."""

    repositories = fields.List(RepositoryField(), required=True, validate=_REPOSITORIES)
    sender = fields.String()
    region = fields.String()
    rule = fields.String()
    start = fields.Boolean(load_default=False, truthy={True}, falsy={False})


class ReconcileOrderSchema(ExampleSchema):
    """The repositories to compare; default: all that were ever synced. `report` repairs nothing."""

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
)
RepairPageSchema = page_of(RepairSchema, "RepairPage")
FindingPageSchema = page_of(
    schema_of(repairs.ListedFinding, "Finding", drift=Drift, state=State), "FindingPage"
)
