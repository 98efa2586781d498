"""The first ledger: every table, and on PostgreSQL Procrastinate's tables for the engine's jobs."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "v1_0001"
down_revision = None
branch_labels = None
depends_on = None

# Procrastinate's schema as of 3.10. A later schema of theirs becomes a revision of its own, so that
# this one stays the same for every new ledger.
_PROCRASTINATE = Path(__file__).parents[1] / "procrastinate_3.10.sql"


def upgrade() -> None:
    """Create all tables and indexes."""
    op.create_table(
        "answers",
        sa.Column(
            "key",
            sa.String(length=64),
            nullable=False,
            comment="a hash of the token's name and the key",
        ),
        sa.Column(
            "fingerprint",
            sa.String(length=64),
            nullable=False,
            comment="a hash of method, path and body",
        ),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("content_type", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("answers_by_start", "answers", ["started_at"], unique=False)
    op.create_table(
        "audit",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False, comment="its name"),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("action", sa.Text(), nullable=False, comment="method and route"),
        sa.Column("object", sa.Text(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=False, comment="of the answer"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("audit_by_object", "audit", ["object", "id"], unique=False)
    op.create_table(
        "call_tags",
        sa.Column("call", sa.String(length=26), nullable=False),
        sa.Column("sync", sa.String(length=26), nullable=False),
        sa.Column("route", sa.String(length=600), nullable=False),
        sa.Column("digest", sa.String(length=135), nullable=True),
        sa.Column("called_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "open", sa.Boolean(), nullable=False, comment="may still change the tag at the target"
        ),
        sa.Column(
            "held",
            sa.Boolean(),
            server_default=sa.false(),
            nullable=False,
            comment="the target has it anyway",
        ),
        sa.PrimaryKeyConstraint("call", "sync"),
    )
    op.create_index("call_tags_by_sync", "call_tags", ["sync"], unique=False)
    op.create_index(
        "call_tags_open_by_route",
        "call_tags",
        ["route"],
        unique=False,
        sqlite_where=sa.text("open"),
        postgresql_where=sa.text("open"),
    )
    op.create_table(
        "calls",
        sa.Column("id", sa.String(length=26), nullable=False, comment="the claim token"),
        sa.Column("lane", sa.String(length=600), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("code", sa.Text(), nullable=True, comment="of the error, or null"),
        sa.Column("message", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("calls_by_lane", "calls", ["lane", "id"], unique=False)
    op.create_table(
        "configurations",
        sa.Column("version", sa.String(length=12), nullable=False),
        sa.Column(
            "body",
            sa.LargeBinary(),
            nullable=False,
            comment="the file as it was: no secret stands in it",
        ),
        sa.Column("used_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("version"),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("sender", sa.String(length=63), nullable=False),
        sa.Column("dialect", sa.String(length=32), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column(
            "original",
            sa.String(length=26),
            nullable=True,
            comment="of a duplicate: the delivery it repeats",
        ),
        sa.Column("headers", sa.JSON(), nullable=False),
        sa.Column(
            "body",
            sa.LargeBinary(),
            nullable=True,
            comment="of accepted and quarantined deliveries only",
        ),
        sa.Column("rules_version", sa.String(length=12), nullable=False),
        sa.Column(
            "replayed_from",
            sa.String(length=26),
            nullable=True,
            comment="of a replay: the delivery that was read again",
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("deliveries_by_outcome", "deliveries", ["outcome", "id"], unique=False)
    op.create_index("deliveries_by_sender", "deliveries", ["sender", "id"], unique=False)
    op.create_table(
        "ended_sessions",
        sa.Column(
            "session",
            sa.String(length=64),
            nullable=False,
            comment="the hash of what is secret in it",
        ),
        sa.Column(
            "until", sa.BigInteger(), nullable=False, comment="when it would have ended by itself"
        ),
        sa.PrimaryKeyConstraint("session"),
    )
    op.create_table(
        "findings",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("repair", sa.String(length=26), nullable=False),
        sa.Column("sender", sa.String(length=63), nullable=False),
        sa.Column("source_region", sa.String(length=63), nullable=False),
        sa.Column("namespace", sa.String(length=64), nullable=False),
        sa.Column("repository", sa.String(length=128), nullable=False),
        sa.Column("tag", sa.String(length=128), nullable=False),
        sa.Column("digest", sa.String(length=135), nullable=True),
        sa.Column("target_region", sa.String(length=63), nullable=False),
        sa.Column("target_namespace", sa.String(length=64), nullable=False),
        sa.Column("override", sa.Boolean(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("route", sa.String(length=600), nullable=False),
        sa.Column("drift", sa.String(length=16), nullable=False),
        sa.Column("held", sa.String(length=135), nullable=True, comment="what the target holds"),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("mends", sa.Boolean(), nullable=False, comment="a sync is to mend it"),
        sa.Column("sync", sa.String(length=26), nullable=True),
        sa.Column(
            "latest", sa.Boolean(), nullable=False, comment="no later reconcile saw the repository"
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("findings_by_repair", "findings", ["repair", "id"], unique=False)
    op.create_index(
        "findings_latest",
        "findings",
        ["namespace", "repository"],
        unique=False,
        sqlite_where=sa.text("latest"),
        postgresql_where=sa.text("latest"),
    )
    op.create_index(
        "findings_to_order",
        "findings",
        ["repair", "id"],
        unique=False,
        sqlite_where=sa.text("mends AND sync IS NULL"),
        postgresql_where=sa.text("mends AND sync IS NULL"),
    )
    op.create_table(
        "lanes",
        sa.Column("key", sa.String(length=600), nullable=False),
        sa.Column("source_region", sa.String(length=63), nullable=False),
        sa.Column("namespace", sa.String(length=64), nullable=False),
        sa.Column("repository", sa.String(length=128), nullable=False),
        sa.Column("target_region", sa.String(length=63), nullable=False),
        sa.Column("target_namespace", sa.String(length=64), nullable=False),
        sa.Column("override", sa.Boolean(), nullable=False),
        sa.Column(
            "woken_for",
            sa.BigInteger(),
            nullable=True,
            comment="the engine will run the lane then; no later wake counts",
        ),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "latest_pushes",
        sa.Column("key", sa.String(length=400), nullable=False, comment="sender and image"),
        sa.Column("delivery", sa.String(length=26), nullable=True),
        sa.Column("push", sa.String(length=26), nullable=True),
        sa.Column("digest", sa.String(length=135), nullable=True),
        sa.Column("seen_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "passes",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "probes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "pushes",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("delivery", sa.String(length=26), nullable=False),
        sa.Column("sender", sa.String(length=63), nullable=False),
        sa.Column("region", sa.String(length=63), nullable=False),
        sa.Column("namespace", sa.String(length=64), nullable=False),
        sa.Column("repository", sa.String(length=128), nullable=False),
        sa.Column("tag", sa.String(length=128), nullable=False),
        sa.Column("digest", sa.String(length=135), nullable=True),
        sa.Column("event_id", sa.Text(), nullable=True),
        sa.Column(
            "event_key",
            sa.Text(),
            nullable=True,
            comment="sender, event id and tag of a fresh push",
        ),
        sa.Column("pushed_at", sa.BigInteger(), nullable=True),
        sa.Column(
            "original",
            sa.String(length=26),
            nullable=True,
            comment="of a duplicate: the push it repeats",
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("event_key"),
    )
    op.create_index("pushes_by_delivery", "pushes", ["delivery"], unique=False)
    op.create_index(
        "pushes_by_image", "pushes", ["namespace", "repository", "tag", "id"], unique=False
    )
    op.create_table(
        "refused_credentials",
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("refused_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "again_at",
            sa.BigInteger(),
            nullable=True,
            comment="when it may be tried again; null is never",
        ),
        sa.PrimaryKeyConstraint("fingerprint"),
    )
    op.create_table(
        "repairs",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column(
            "places",
            sa.JSON(none_as_null=True),
            nullable=True,
            comment="keys of repositories; null: all that the ledger knows",
        ),
        sa.Column("sender", sa.String(length=63), nullable=True),
        sa.Column("rule", sa.Text(), nullable=True),
        sa.Column("reports_only", sa.Boolean(), nullable=False),
        sa.Column("asks", sa.Boolean(), nullable=False, comment="a person is to agree to the plan"),
        sa.Column("max_calls", sa.Integer(), nullable=True),
        sa.Column(
            "cursor",
            sa.String(length=300),
            nullable=False,
            comment="the last repository that is done",
        ),
        sa.Column("calls", sa.Integer(), nullable=False, comment="made to list tags"),
        sa.Column("planned_calls", sa.Integer(), nullable=False, comment="of sync_images"),
        sa.Column("planned_looks", sa.Integer(), nullable=False),
        sa.Column(
            "notes", sa.JSON(), nullable=False, comment="what could not be compared, and why"
        ),
        sa.Column(
            "follows",
            sa.String(length=26),
            nullable=True,
            comment="of a scheduled one: the one before it",
        ),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("claim", sa.String(length=26), nullable=True),
        sa.Column("claimed_until", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("follows"),
    )
    op.create_index("repairs_by_kind", "repairs", ["kind", "id"], unique=False)
    op.create_table(
        "syncs",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("delivery", sa.String(length=26), nullable=True),
        sa.Column("push", sa.String(length=26), nullable=True),
        sa.Column("sender", sa.String(length=63), nullable=False),
        sa.Column("source_region", sa.String(length=63), nullable=False),
        sa.Column("namespace", sa.String(length=64), nullable=False),
        sa.Column("repository", sa.String(length=128), nullable=False),
        sa.Column("tag", sa.String(length=128), nullable=False),
        sa.Column("digest", sa.String(length=135), nullable=True),
        sa.Column("target_region", sa.String(length=63), nullable=False),
        sa.Column("target_namespace", sa.String(length=64), nullable=False),
        sa.Column("override", sa.Boolean(), nullable=False),
        sa.Column("lane", sa.String(length=600), nullable=False),
        sa.Column(
            "route",
            sa.String(length=600),
            nullable=False,
            comment="tag and target, override left out",
        ),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("rules_version", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("error_remedy", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("claim", sa.String(length=26), nullable=True),
        sa.Column("superseded_by", sa.String(length=26), nullable=True),
        sa.Column(
            "called_digest",
            sa.String(length=135),
            nullable=True,
            comment="what the source held at the call",
        ),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("verified_at", sa.BigInteger(), nullable=True),
        sa.Column("waiting_since", sa.BigInteger(), nullable=True),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column("verifying_since", sa.BigInteger(), nullable=True),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("retriggers", sa.Integer(), nullable=False),
        sa.Column("lost_claims", sa.Integer(), nullable=False),
        sa.Column("alone", sa.Boolean(), nullable=False),
        sa.Column("backfill", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "syncs_by_image", "syncs", ["namespace", "repository", "tag", "id"], unique=False
    )
    op.create_index("syncs_by_push", "syncs", ["push"], unique=False)
    op.create_index("syncs_by_state", "syncs", ["state", "id"], unique=False)
    op.create_index(
        "syncs_by_target", "syncs", ["target_region", "target_namespace", "id"], unique=False
    )
    op.create_index(
        "syncs_open_by_lane",
        "syncs",
        ["lane", "due_at"],
        unique=False,
        sqlite_where=sa.text("state IN ('calling', 'pending', 'triggered')"),
        postgresql_where=sa.text("state IN ('calling', 'pending', 'triggered')"),
    )
    op.create_index(
        "syncs_open_by_route",
        "syncs",
        ["route"],
        unique=False,
        sqlite_where=sa.text("state IN ('calling', 'pending', 'triggered')"),
        postgresql_where=sa.text("state IN ('calling', 'pending', 'triggered')"),
    )
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        # The driver's own call runs many statements at once and leaves every `%` alone.
        connection.connection.cursor().execute(_PROCRASTINATE.read_text(encoding="utf-8"))
