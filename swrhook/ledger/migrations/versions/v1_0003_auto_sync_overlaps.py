"""SWR's own rules of automatic synchronization that overlap with those of swrhook."""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, String, Text

revision = "v1_0003"
down_revision = "v1_0002"
oldest_program = "v1_0001"

_REGION, _NAMESPACE, _REPOSITORY = String(63), String(64), String(128)


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "auto_sync_overlaps",
        Column("source_region", _REGION, primary_key=True),
        Column("namespace", _NAMESPACE, primary_key=True),
        Column("repository", _REPOSITORY, primary_key=True),
        Column("target_region", _REGION, primary_key=True),
        Column("target_namespace", _NAMESPACE, primary_key=True),
        Column("override", Boolean, nullable=False, comment="of SWR's rule"),
        Column("kind", String(16), nullable=False, comment="an OverlapKind"),
        Column("rule", Text, nullable=False, comment="of swrhook"),
        Column("seen_at", BigInteger, nullable=False),
    )
