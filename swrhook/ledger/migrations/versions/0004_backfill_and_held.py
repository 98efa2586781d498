"""What gives way to fresh pushes, and calls that the sight of their digest does not prove."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; nothing in an older ledger is backfill."""
    op.add_column(
        "syncs",
        sa.Column("backfill", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column(
        "call_tags",
        sa.Column(
            "held",
            sa.Boolean(),
            nullable=False,
            server_default=sa.false(),
            comment="the target has it anyway",
        ),
    )
