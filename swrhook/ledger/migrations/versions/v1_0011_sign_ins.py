"""Let a session belong to a user of an identity provider."""

from alembic import op
from sqlalchemy import Column, Text

revision = "v1_0011"
down_revision = "v1_0010"
oldest_program = "v1_0001"


def upgrade() -> None:
    """Add the column."""
    column = Column("identity", Text, comment="the user of single sign-on, as JSON")
    op.add_column("sessions", column)
