"""Rows of the ledger as the model's values."""

from typing import Any

from sqlalchemy import RowMapping

from swrhook.ledger.tables import syncs
from swrhook.model import Lane, State, Sync, Target

LANE_COLUMNS = (
    "source_region",
    "namespace",
    "repository",
    "target_region",
    "target_namespace",
    "override",
)
SYNC_COLUMNS = (
    "id",
    "delivery",
    "sender",
    "tag",
    "digest",
    "rule",
    "attempts",
    "created_at",
    "updated_at",
    "due_at",
    "claim",
    "superseded_by",
    "called_digest",
    "waiting_since",
    "failing_since",
    "verifying_since",
    "polls",
    "failures",
    "retriggers",
    "lost_claims",
    "alone",
    "backfill",
)
WHOLE_SYNC = [syncs.c[name] for name in (*LANE_COLUMNS, *SYNC_COLUMNS, "state")]


def to_lane(row: RowMapping | dict[str, Any]) -> Lane:
    """Read a lane from a row that has its columns."""
    return Lane(
        source_region=row["source_region"],
        namespace=row["namespace"],
        repository=row["repository"],
        target=Target(row["target_region"], row["target_namespace"]),
        override=row["override"],
    )


def to_sync(row: RowMapping | dict[str, Any]) -> Sync:
    """Read a sync from a row of WHOLE_SYNC."""
    values = {name: row[name] for name in SYNC_COLUMNS}
    return Sync(lane=to_lane(row), state=State(row["state"]), **values)
