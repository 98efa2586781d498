"""The API's answers, in the contract's order of members."""

from marshmallow import fields, validate

from swrhook.model import Outcome, State
from swrhook.web.api.fields import Instant, TagField
from swrhook.web.api.schema_base import Exemplary

MOST_TARGETS = 100


class ProblemSchema(Exemplary):
    """An error, RFC 9457."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    reasons = fields.List(fields.String())


class ErrorSchema(Exemplary):
    """What SWR or IAM answered last."""

    code = fields.String(required=True)
    message = fields.String(required=True)
    remedy = fields.String(required=True, allow_none=True)


class SyncSchema(Exemplary):
    """One image tag on its way to one target."""

    id = fields.String(required=True)
    sender = fields.String(required=True)
    namespace = fields.String(required=True)
    repository = fields.String(required=True)
    tag = fields.String(required=True)
    digest = fields.String(required=True, allow_none=True)
    source_region = fields.String(required=True)
    target_region = fields.String(required=True)
    target_namespace = fields.String(required=True)
    override = fields.Boolean(required=True)
    state = fields.String(required=True, validate=validate.OneOf([*State]))
    reason = fields.String(required=True, allow_none=True)
    attempts = fields.Integer(required=True)
    error = fields.Nested(ErrorSchema, required=True, allow_none=True)
    rule = fields.String(required=True)
    rules_version = fields.String(required=True)
    delivery = fields.String(required=True, allow_none=True)
    superseded_by = fields.String(required=True, allow_none=True)
    created_at = Instant(required=True)
    updated_at = Instant(required=True)
    due_at = Instant(required=True, allow_none=True)
    verified_at = Instant(required=True, allow_none=True)


class PushSchema(Exemplary):
    """One image tag that a delivery announced."""

    image = fields.String(required=True)
    digest = fields.String(required=True, allow_none=True)


class DeliverySchema(Exemplary):
    """One request as it came in, with its verdict."""

    id = fields.String(required=True)
    sender = fields.String(required=True)
    dialect = fields.String(required=True)
    outcome = fields.String(required=True, validate=validate.OneOf([*Outcome]))
    reason = fields.String(required=True, allow_none=True)
    received_at = Instant(required=True)
    external_id = fields.String(required=True, allow_none=True)
    pushes = fields.List(fields.Nested(PushSchema), required=True)
    syncs = fields.List(fields.String(), required=True)
    replayed_from = fields.String(required=True, allow_none=True)


class OutcomesSchema(Exemplary):
    """How many deliveries had which verdict."""

    accepted = fields.Integer(required=True)
    ignored = fields.Integer(required=True)
    duplicate = fields.Integer(required=True)
    quarantined = fields.Integer(required=True)


class SenderSchema(Exemplary):
    """One configured sender, and how it has been in the last 24 hours."""

    name = fields.String(required=True)
    dialect = fields.String(required=True)
    region = fields.String(required=True)
    last_delivery_at = Instant(required=True, allow_none=True)
    outcomes = fields.Nested(OutcomesSchema, required=True)
    expect_every = fields.String(required=True, allow_none=True)
    silent = fields.Boolean(required=True)


class SyncPageSchema(Exemplary):
    """A page of syncs."""

    items = fields.List(fields.Nested(SyncSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class SyncsSchema(Exemplary):
    """Syncs that belong together."""

    syncs = fields.List(fields.Nested(SyncSchema), required=True)


class SenderPageSchema(Exemplary):
    """Every sender; `next` is always null."""

    items = fields.List(fields.Nested(SenderSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class DeliveryPageSchema(Exemplary):
    """A page of deliveries."""

    items = fields.List(fields.Nested(DeliverySchema), required=True)
    next = fields.String(required=True, allow_none=True)


class TargetSchema(Exemplary):
    """Where an image shall go."""

    region = fields.String(required=True)
    namespace = fields.String(required=True)
    override = fields.Boolean(load_default=False, truthy={True}, falsy={False})


class OrderSchema(Exemplary):
    """An image that nobody announced; without targets the rules decide."""

    image = TagField(required=True)
    source_region = fields.String(required=True)
    targets = fields.List(fields.Nested(TargetSchema), validate=validate.Length(1, MOST_TARGETS))


class RulesSchema(Exemplary):
    """The rules in use, as the configuration file says them."""

    version = fields.String(required=True)
    defaults = fields.Dict(keys=fields.String(), required=True)
    rules = fields.List(fields.Dict(keys=fields.String()), required=True)


class SyncCountSchema(Exemplary):
    """How many syncs of one target are in one state."""

    target_region = fields.String(required=True)
    target_namespace = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf([*State]))
    count = fields.Integer(required=True)


class DeliveryCountSchema(Exemplary):
    """How many deliveries of one sender had one outcome."""

    sender = fields.String(required=True)
    outcome = fields.String(required=True, validate=validate.OneOf([*Outcome]))
    count = fields.Integer(required=True)


class LatencySchema(Exemplary):
    """Seconds from the recorded push to the proof at one target."""

    target_region = fields.String(required=True)
    target_namespace = fields.String(required=True)
    count = fields.Integer(required=True)
    p50 = fields.Float(required=True)
    p90 = fields.Float(required=True)
    p99 = fields.Float(required=True)


class StatsSchema(Exemplary):
    """How it goes; open syncs count whatever their age, all else from `since` on."""

    since = Instant(required=True)
    syncs = fields.List(fields.Nested(SyncCountSchema), required=True)
    oldest_pending = Instant(required=True, allow_none=True)
    deliveries = fields.List(fields.Nested(DeliveryCountSchema), required=True)
    latency = fields.List(fields.Nested(LatencySchema), required=True)


class DrainSchema(Exemplary):
    """Whether the process that answers drains, and since when."""

    draining = fields.Boolean(required=True)
    since = Instant(required=True, allow_none=True)


class AuditedSchema(Exemplary):
    """One write over the API."""

    id = fields.String(required=True)
    at = Instant(required=True)
    token = fields.String(required=True)
    role = fields.String(required=True)
    action = fields.String(required=True)
    object = fields.String(required=True, allow_none=True)
    status = fields.Integer(required=True)


class AuditPageSchema(Exemplary):
    """A page of writes."""

    items = fields.List(fields.Nested(AuditedSchema), required=True)
    next = fields.String(required=True, allow_none=True)
