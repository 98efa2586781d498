"""Keep which rules may be used, and which are held."""

from alembic import op
from sqlalchemy import JSON, BigInteger, Column, String, Text

revision = "v1_0012"
down_revision = "v1_0011"
oldest_program = "v1_0001"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "rule_sets",
        Column("fingerprint", String(64), primary_key=True, comment="of rules and defaults"),
        Column("verdict", String(16), nullable=False),
        Column("version", String(12), nullable=False, comment="of the file that has them"),
        Column("at", BigInteger, nullable=False, comment="of the verdict"),
        Column("effect", JSON, comment="null: not measured, or not in time"),
        Column("seen_at", BigInteger, comment="when a process last wanted to use held ones"),
        Column("accepted_by", Text, comment="the name of a token"),
    )
