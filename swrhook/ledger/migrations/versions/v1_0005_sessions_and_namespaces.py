"""Sessions of the dashboard, and indexes for tokens that are limited to organizations."""

from alembic import op
from sqlalchemy import BigInteger, Column, String

revision = "v1_0005"
down_revision = "v1_0004"
oldest_program = "v1_0001"


def upgrade() -> None:
    """Create the table and the indexes."""
    op.create_table(
        "sessions",
        Column("session", String(64), primary_key=True, comment="hash of the cookie"),
        Column("mark", String(64), nullable=False, comment="ties it to a token; needs the cookie"),
        Column("until", BigInteger, nullable=False, comment="when it expires"),
    )
    op.create_index("syncs_by_namespace", "syncs", ["namespace", "id"])
    op.create_index("pushes_by_namespace", "pushes", ["namespace", "delivery"])
