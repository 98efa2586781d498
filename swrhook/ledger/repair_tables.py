"""The tables of repairs: backfills and reconciles, what they found, and SWR's own rules."""

from sqlalchemy import JSON, Boolean, Column, Index, Integer, String, Table, Text, text

from swrhook.ledger.columns import (
    DIGEST,
    ID,
    LANE_KEY,
    NAMESPACE,
    REGION,
    REPOSITORY,
    SENDER,
    TAG,
    lane_columns,
    metadata,
)
from swrhook.ledger.types import Instant, partial_index

# Conditions of partial indexes; see tables.py.
WITHOUT_SYNC = text("needs_sync AND sync IS NULL")
LATEST = text("latest")

# Backfills and reconciles: their scope, progress, and which process works on them.
repairs = Table(
    "repairs",
    metadata,
    Column("id", ID, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("stage", String(16), nullable=False),
    Column("repositories", JSON(none_as_null=True), comment="keys; null: all in the ledger"),
    Column("sender", SENDER),
    Column("rule", Text),
    Column("report_only", Boolean, nullable=False),
    Column("needs_confirmation", Boolean, nullable=False, comment="of the plan, by an operator"),
    Column("max_calls", Integer),
    Column("cursor", String(300), nullable=False, comment="the last repository compared"),
    Column("calls", Integer, nullable=False, comment="made to list tags"),
    Column("planned_calls", Integer, nullable=False, comment="of sync_images"),
    Column("planned_reads", Integer, nullable=False, comment="of tags, before and after the calls"),
    Column("notes", JSON, nullable=False, comment="repositories not compared, and why"),
    Column("previous", ID, unique=True, comment="the scheduled reconcile before this one"),
    Column("tries", Integer, nullable=False, comment="of the current step"),
    Column("due_at", Instant, nullable=False),
    Column("claim", ID),
    Column("claimed_until", Instant),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("scope", JSON(none_as_null=True), comment="what of all it is about; null: all"),
    Column("total", Integer, comment="repositories to compare, if known"),
    Column("done", Integer, comment="of these"),
    Column("same", Integer, comment="tags, beside those in findings"),
    Column("proposed", Boolean, comment="by swrhook, for a new rule"),
    Index("repairs_by_kind", "kind", "id"),
)

# One tag at one target, as a repair found it.
findings = Table(
    "findings",
    metadata,
    Column("id", ID, primary_key=True),
    Column("repair", ID, nullable=False),
    Column("sender", SENDER, nullable=False),
    *lane_columns(),
    Column("tag", TAG, nullable=False),
    Column("digest", DIGEST, comment="what the source holds"),
    Column("rule", Text, nullable=False),
    Column("route", LANE_KEY, nullable=False),
    Column("drift", String(16), nullable=False),
    Column("target_digest", DIGEST, comment="what the target holds"),
    Column("reason", Text),
    Column("needs_sync", Boolean, nullable=False),
    Column("sync", ID, comment="the sync that repairs it"),
    Column("latest", Boolean, nullable=False, comment="no later reconcile saw the repository"),
    Index("findings_by_repair", "repair", "id"),
    partial_index("findings_without_sync", "repair", "id", where=WITHOUT_SYNC),
    partial_index("findings_latest", "namespace", "repository", where=LATEST),
)

# SWR's own rules of automatic synchronization that overlap with those of swrhook.
auto_sync_overlaps = Table(
    "auto_sync_overlaps",
    metadata,
    Column("source_region", REGION, primary_key=True),
    Column("namespace", NAMESPACE, primary_key=True),
    Column("repository", REPOSITORY, primary_key=True),
    Column("target_region", REGION, primary_key=True),
    Column("target_namespace", NAMESPACE, primary_key=True),
    Column("override", Boolean, nullable=False, comment="of SWR's rule"),
    Column("kind", String(16), nullable=False, comment="an OverlapKind"),
    Column("rule", Text, nullable=False, comment="of swrhook"),
    Column("seen_at", Instant, nullable=False),
)
