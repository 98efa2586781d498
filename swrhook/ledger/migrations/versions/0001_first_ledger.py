"""Deliveries, pushes, syncs, lanes, calls."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the first ledger."""
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
        sa.PrimaryKeyConstraint("call", "sync"),
    )
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
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("deliveries_by_outcome", "deliveries", ["outcome", "id"], unique=False)
    op.create_index("deliveries_by_sender", "deliveries", ["sender", "id"], unique=False)
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
    op.create_table(
        "refused_credentials",
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("refused_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint"),
    )
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
        sqlite_where=sa.text("state IN ('calling', 'due', 'triggered')"),
        postgresql_where=sa.text("state IN ('calling', 'due', 'triggered')"),
    )
    op.create_index(
        "syncs_open_by_route",
        "syncs",
        ["route"],
        unique=False,
        sqlite_where=sa.text("state IN ('calling', 'due', 'triggered')"),
        postgresql_where=sa.text("state IN ('calling', 'due', 'triggered')"),
    )
