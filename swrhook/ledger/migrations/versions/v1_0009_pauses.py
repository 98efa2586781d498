"""Keep pauses of regions, rules and senders, and which syncs are held for them."""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, String, Text, text

revision = "v1_0009"
down_revision = "v1_0008"
oldest_program = "v1_0001"

_PAUSED = text("paused_by IS NOT NULL")


def upgrade() -> None:
    """Add the column, its index and the table."""
    op.add_column("syncs", Column("paused_by", Text, comment="the pause that it is held for"))
    columns = ["paused_by", "id"]
    op.create_index(
        "syncs_paused", "syncs", columns, sqlite_where=_PAUSED, postgresql_where=_PAUSED
    )
    op.create_table(
        "pauses",
        Column("kind", String(16), primary_key=True),
        Column("name", Text, primary_key=True),
        Column("since", BigInteger, nullable=False),
        Column("until", BigInteger, comment="when it ends by itself; null: it does not"),
        Column("by", Text, nullable=False, comment="the name of a token"),
        Column("reason", Text),
        Column("ended_at", BigInteger, comment="null: it lasts"),
        Column("holding", Boolean, nullable=False, comment="syncs may be held for it"),
    )
