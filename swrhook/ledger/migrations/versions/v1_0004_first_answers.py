"""What SWR answered to the first calls of sync_images."""

from alembic import op
from sqlalchemy import JSON, BigInteger, Column, Index, Integer, String, Text

revision = "v1_0004"
down_revision = "v1_0003"
oldest_program = "v1_0001"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "first_answers",
        Column("id", String(26), primary_key=True),
        Column("source_region", String(63), nullable=False),
        Column("lane", String(600), nullable=False),
        Column("at", BigInteger, nullable=False),
        Column("status", Integer, nullable=False),
        Column("headers", JSON, nullable=False, comment="an allow-list"),
        Column("body_shape", Text, nullable=False, comment="members and types, no values"),
        Index("first_answers_by_lane", "lane", "at"),
    )
