"""What the API is told and shows of backfills and reconciles."""

from marshmallow import fields, validate

from swrhook.model import State
from swrhook.syncs.reconciliation import Drift, RepairKind, Stage
from swrhook.web.api.fields import Instant, RepositoryField
from swrhook.web.api.schema_base import Exemplary

MOST_REPOSITORIES = 1000
_REPOSITORIES = validate.Length(1, MOST_REPOSITORIES)


class BackfillOrderSchema(Exemplary):
    """Repositories whose tags are wanted; with `start`, without a plan to agree to."""

    repositories = fields.List(RepositoryField(), required=True, validate=_REPOSITORIES)
    sender = fields.String()
    region = fields.String()
    rule = fields.String()
    start = fields.Boolean(load_default=False, truthy={True}, falsy={False})


class ReconcileOrderSchema(Exemplary):
    """What is to be compared, all that was ever synced if not said; with `report`, that alone."""

    repositories = fields.List(RepositoryField(), validate=_REPOSITORIES)
    region = fields.String()
    report = fields.Boolean(load_default=False, truthy={True}, falsy={False})
    max_calls = fields.Integer(strict=True, validate=validate.Range(1, 1_000_000))


class PlanSchema(Exemplary):
    """Tags by what their targets hold, and what syncs of those that need one will take."""

    same = fields.Integer(required=True)
    missing = fields.Integer(required=True)
    diverged = fields.Integer(required=True)
    unwanted = fields.Integer(required=True)
    unreadable = fields.Integer(required=True)
    to_sync = fields.Integer(required=True)
    sync_images = fields.Integer(required=True)
    looks = fields.Integer(required=True)


class RepairSchema(Exemplary):
    """A backfill or a reconcile: its plan, and how its syncs fare."""

    id = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf([*RepairKind]))
    state = fields.String(required=True, validate=validate.OneOf([*Stage]))
    repositories = fields.List(fields.String(), required=True, allow_none=True)
    sender = fields.String(required=True, allow_none=True)
    rule = fields.String(required=True, allow_none=True)
    report = fields.Boolean(required=True)
    scheduled = fields.Boolean(required=True)
    max_calls = fields.Integer(required=True, allow_none=True)
    calls = fields.Integer(required=True)
    plan = fields.Nested(PlanSchema, required=True)
    ordered = fields.Integer(required=True)
    results = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)
    notes = fields.List(fields.String(), required=True)
    created_at = Instant(required=True)
    updated_at = Instant(required=True)
    ended_at = Instant(required=True, allow_none=True)


class RepairPageSchema(Exemplary):
    """A page of backfills or reconciles."""

    items = fields.List(fields.Nested(RepairSchema), required=True)
    next = fields.String(required=True, allow_none=True)


class FindingSchema(Exemplary):
    """One tag at one target as it was found, and the sync that mends it with its state now."""

    id = fields.String(required=True)
    source_region = fields.String(required=True)
    namespace = fields.String(required=True)
    repository = fields.String(required=True)
    tag = fields.String(required=True)
    digest = fields.String(required=True, allow_none=True)
    target_region = fields.String(required=True)
    target_namespace = fields.String(required=True)
    override = fields.Boolean(required=True)
    rule = fields.String(required=True)
    drift = fields.String(required=True, validate=validate.OneOf([*Drift]))
    held = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True, allow_none=True)
    sync = fields.String(required=True, allow_none=True)
    state = fields.String(required=True, allow_none=True, validate=validate.OneOf([*State]))


class FindingPageSchema(Exemplary):
    """A page of findings."""

    items = fields.List(fields.Nested(FindingSchema), required=True)
    next = fields.String(required=True, allow_none=True)
