"""Which delivery a replay was made from."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; nothing in an older ledger is a replay."""
    op.add_column(
        "deliveries",
        sa.Column(
            "replayed_from",
            sa.String(length=26),
            nullable=True,
            comment="of a replay: the delivery that was read again",
        ),
    )
