"""Schemas of the API's bodies. Answers are derived from the dataclasses that the routes return."""

from marshmallow import fields, validate

from swrhook.ledger.audit import ListedAudit
from swrhook.ledger.queries.stats import DeliveryCount, Stats, SyncCount
from swrhook.ledger.queries.views import (
    ListedDelivery,
    ListedError,
    ListedPush,
    ListedSender,
    ListedSync,
)
from swrhook.model import Outcome, State
from swrhook.web.api.fields import TagField
from swrhook.web.api.schema_base import ExampleSchema, page_of, schema_of

MOST_TARGETS = 100


class ProblemSchema(ExampleSchema):
    """An error, RFC 9457."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    reasons = fields.List(fields.String())


SyncSchema = schema_of(ListedSync, "Sync", state=State, error=schema_of(ListedError, "Error"))
SyncPageSchema = page_of(SyncSchema, "SyncPage")


class SyncsSchema(ExampleSchema):
    """Syncs that belong together: of one order, or of one wait."""

    syncs = fields.List(fields.Nested(SyncSchema), required=True)


DeliverySchema = schema_of(
    ListedDelivery, "Delivery", outcome=Outcome, pushes=schema_of(ListedPush, "Push")
)
DeliveryPageSchema = page_of(DeliverySchema, "DeliveryPage")

OutcomesSchema = ExampleSchema.from_dict(
    {outcome.value: fields.Integer(required=True) for outcome in Outcome}, name="OutcomesSchema"
)
SenderPageSchema = page_of(schema_of(ListedSender, "Sender", outcomes=OutcomesSchema), "SenderPage")

AuditPageSchema = page_of(schema_of(ListedAudit, "Audited"), "AuditPage")

StatsSchema = schema_of(
    Stats,
    syncs=schema_of(SyncCount, state=State),
    deliveries=schema_of(DeliveryCount, outcome=Outcome),
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
