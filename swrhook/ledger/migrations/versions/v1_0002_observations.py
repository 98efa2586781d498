"""Keep what each place held when it was last observed."""

from alembic import op
from sqlalchemy import BigInteger, Column, String

revision = "v1_0002"
down_revision = "v1_0001"
oldest_program = "v1_0001"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "observations",
        Column("region", String(63), primary_key=True),
        Column("namespace", String(64), primary_key=True),
        Column("repository", String(128), primary_key=True),
        Column("tag", String(128), primary_key=True),
        Column("digest", String(135), comment="null: there was no such tag"),
        Column("observed_at", BigInteger, nullable=False, comment="when the request began"),
        Column(
            "since", BigInteger, nullable=False, comment="when this digest was first seen there"
        ),
        Column("sync", String(26), comment="the sync that copied the digest there"),
    )
