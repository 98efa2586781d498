"""Backfills and reconciles, and what they found."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "repairs",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column(
            "places",
            sa.JSON(),
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
