"""Sessions of the dashboard that were signed out."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "ended_sessions",
        sa.Column(
            "session",
            sa.String(length=64),
            nullable=False,
            comment="the hash of what is secret in it",
        ),
        sa.Column(
            "until",
            sa.BigInteger(),
            nullable=False,
            comment="when it would have ended by itself",
        ),
        sa.PrimaryKeyConstraint("session"),
    )
