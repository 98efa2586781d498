"""Keep what a request was answered, from where it came, and for some days every body."""

from alembic import op
from sqlalchemy import Column, Integer, String, text

revision = "v1_0008"
down_revision = "v1_0007"
oldest_program = "v1_0001"

_OTHER_BODY = text("body IS NOT NULL AND outcome IN ('duplicate', 'ignored')")


def upgrade() -> None:
    """Add the columns, and the index of the bodies that are deleted first."""
    for column in (
        Column("answered", String(16), comment="the outcome that the sender was told"),
        Column("client_address", String(45), comment="of the request"),
        Column("took_ms", Integer, comment="from the request to the row; null: a replay"),
    ):
        op.add_column("deliveries", column)
    op.create_index(
        "deliveries_other_bodies",
        "deliveries",
        ["id"],
        sqlite_where=_OTHER_BODY,
        postgresql_where=_OTHER_BODY,
    )
    if op.get_bind().dialect.name == "postgresql":  # SQLite keeps no comments
        comment = "of ignored and duplicate deliveries for some days"
        op.alter_column("deliveries", "body", comment=comment)
