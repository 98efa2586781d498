"""When a credential that is only locked may be tried again."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what an older ledger holds is refused for good."""
    op.add_column(
        "refused_credentials",
        sa.Column(
            "again_at",
            sa.BigInteger(),
            nullable=True,
            comment="when it may be tried again; null is never",
        ),
    )
