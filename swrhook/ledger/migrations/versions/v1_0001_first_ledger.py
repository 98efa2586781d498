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
        "audit",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False, comment="its name"),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("action", sa.Text(), nullable=False, comment="method and route"),
        sa.Column("object", sa.Text(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=False, comment="of the response"),
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
            "already_present", sa.Boolean(), nullable=False, comment="at the target before the call"
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
        sa.Column(
            "id", sa.String(length=26), nullable=False, comment="also the claim token of its syncs"
        ),
        sa.Column("lane", sa.String(length=600), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column(
            "code",
            sa.Text(),
            nullable=True,
            comment="of the error; null: success, or no answer yet",
        ),
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
            comment="the file, secrets not yet interpolated",
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
        sa.Column(
            "external_id", sa.Text(), nullable=True, comment="the sender's own id of the delivery"
        ),
        sa.Column(
            "original",
            sa.String(length=26),
            nullable=True,
            comment="of a duplicate: the delivery that it repeats",
        ),
        sa.Column(
            "headers", sa.JSON(), nullable=False, comment="an allow-list: no secret is stored"
        ),
        sa.Column(
            "body",
            sa.LargeBinary(),
            nullable=True,
            comment="only of accepted and quarantined deliveries",
        ),
        sa.Column("rules_version", sa.String(length=12), nullable=False),
        sa.Column(
            "replayed_from",
            sa.String(length=26),
            nullable=True,
            comment="of a replay: the delivery that was replayed",
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("deliveries_by_outcome", "deliveries", ["outcome", "id"], unique=False)
    op.create_index("deliveries_by_sender", "deliveries", ["sender", "id"], unique=False)
    op.create_table(
        "ended_sessions",
        sa.Column(
            "session", sa.String(length=64), nullable=False, comment="hash of the session's secret"
        ),
        sa.Column(
            "until", sa.BigInteger(), nullable=False, comment="when the session would have expired"
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
        sa.Column("target_region", sa.String(length=63), nullable=False),
        sa.Column("target_namespace", sa.String(length=64), nullable=False),
        sa.Column("override", sa.Boolean(), nullable=False),
        sa.Column("tag", sa.String(length=128), nullable=False),
        sa.Column("digest", sa.String(length=135), nullable=True, comment="what the source holds"),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("route", sa.String(length=600), nullable=False),
        sa.Column("drift", sa.String(length=16), nullable=False),
        sa.Column(
            "target_digest", sa.String(length=135), nullable=True, comment="what the target holds"
        ),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("needs_sync", sa.Boolean(), nullable=False),
        sa.Column("sync", sa.String(length=26), nullable=True, comment="the sync that repairs it"),
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
        "findings_without_sync",
        "findings",
        ["repair", "id"],
        unique=False,
        sqlite_where=sa.text("needs_sync AND sync IS NULL"),
        postgresql_where=sa.text("needs_sync AND sync IS NULL"),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column(
            "key",
            sa.String(length=64),
            nullable=False,
            comment="hash of the token's name and the key",
        ),
        sa.Column(
            "fingerprint",
            sa.String(length=64),
            nullable=False,
            comment="hash of method, path and body",
        ),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("content_type", sa.Text(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("idempotency_keys_by_start", "idempotency_keys", ["started_at"], unique=False)
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
            "wake_at",
            sa.BigInteger(),
            nullable=True,
            comment="when the engine runs the lane next; null: not scheduled",
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
        "leases",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column(
            "renewed_at",
            sa.BigInteger(),
            nullable=False,
            comment="when the work last began or went on",
        ),
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
            comment="sender, image, event id; null of duplicates",
        ),
        sa.Column("pushed_at", sa.BigInteger(), nullable=True),
        sa.Column(
            "original",
            sa.String(length=26),
            nullable=True,
            comment="of a duplicate: the push that it repeats",
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
            comment="when it may be tried again; null: never",
        ),
        sa.PrimaryKeyConstraint("fingerprint"),
    )
    op.create_table(
        "repairs",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column(
            "repositories",
            sa.JSON(none_as_null=True),
            nullable=True,
            comment="keys; null: all in the ledger",
        ),
        sa.Column("sender", sa.String(length=63), nullable=True),
        sa.Column("rule", sa.Text(), nullable=True),
        sa.Column("report_only", sa.Boolean(), nullable=False),
        sa.Column(
            "needs_confirmation",
            sa.Boolean(),
            nullable=False,
            comment="of the plan, by an operator",
        ),
        sa.Column("max_calls", sa.Integer(), nullable=True),
        sa.Column(
            "cursor", sa.String(length=300), nullable=False, comment="the last repository compared"
        ),
        sa.Column("calls", sa.Integer(), nullable=False, comment="made to list tags"),
        sa.Column("planned_calls", sa.Integer(), nullable=False, comment="of sync_images"),
        sa.Column(
            "planned_reads",
            sa.Integer(),
            nullable=False,
            comment="of tags, before and after the calls",
        ),
        sa.Column("notes", sa.JSON(), nullable=False, comment="repositories not compared, and why"),
        sa.Column(
            "previous",
            sa.String(length=26),
            nullable=True,
            comment="the scheduled reconcile before this one",
        ),
        sa.Column("tries", sa.Integer(), nullable=False, comment="of the current step"),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("claim", sa.String(length=26), nullable=True),
        sa.Column("claimed_until", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("previous"),
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
        sa.Column("target_region", sa.String(length=63), nullable=False),
        sa.Column("target_namespace", sa.String(length=64), nullable=False),
        sa.Column("override", sa.Boolean(), nullable=False),
        sa.Column("tag", sa.String(length=128), nullable=False),
        sa.Column(
            "digest", sa.String(length=135), nullable=True, comment="as the sender announced it"
        ),
        sa.Column("lane", sa.String(length=600), nullable=False),
        sa.Column(
            "route",
            sa.String(length=600),
            nullable=False,
            comment="source, tag and target, without override",
        ),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("rules_version", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("error_remedy", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False, comment="calls made"),
        sa.Column("claim", sa.String(length=26), nullable=True, comment="the call in flight"),
        sa.Column(
            "superseded_by",
            sa.String(length=26),
            nullable=True,
            comment="the later sync of the same tag and target",
        ),
        sa.Column(
            "called_digest",
            sa.String(length=135),
            nullable=True,
            comment="the source's digest at the time of the call",
        ),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("verified_at", sa.BigInteger(), nullable=True),
        sa.Column(
            "waiting_since",
            sa.BigInteger(),
            nullable=True,
            comment="the tag is missing at the source",
        ),
        sa.Column("failing_since", sa.BigInteger(), nullable=True, comment="requests to SWR fail"),
        sa.Column(
            "verifying_since", sa.BigInteger(), nullable=True, comment="the target is polled"
        ),
        sa.Column("polls", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("retriggers", sa.Integer(), nullable=False),
        sa.Column("lost_claims", sa.Integer(), nullable=False, comment="in a row"),
        sa.Column("alone", sa.Boolean(), nullable=False, comment="shares no call with others"),
        sa.Column(
            "backfill",
            sa.Boolean(),
            server_default=sa.false(),
            nullable=False,
            comment="low priority",
        ),
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
