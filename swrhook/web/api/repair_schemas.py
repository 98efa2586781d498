"""Schemas of backfills and reconciles: the bodies that start them, and the answers."""

from marshmallow import fields, validate

from swrhook.ledger.queries.repairs import ListedFinding, ListedPlan, ListedRepair
from swrhook.model import State
from swrhook.syncs.reconciliation import Drift, RepairKind, Stage
from swrhook.web.api.fields import RepositoryField
from swrhook.web.api.schema_base import ExampleSchema, page_of, schema_of

MOST_REPOSITORIES = 1000
_REPOSITORIES = validate.Length(1, MOST_REPOSITORIES)


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
    ListedRepair, "Repair", kind=RepairKind, state=Stage, plan=schema_of(ListedPlan, "Plan")
)
RepairPageSchema = page_of(RepairSchema, "RepairPage")
FindingPageSchema = page_of(
    schema_of(ListedFinding, "Finding", drift=Drift, state=State), "FindingPage"
)
