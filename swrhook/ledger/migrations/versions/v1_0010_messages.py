"""Keep what the texts of a sync were made of, so that they can be put into another language."""

from alembic import op
from sqlalchemy import Column, Text

revision = "v1_0010"
down_revision = "v1_0009"
oldest_program = "v1_0001"


def upgrade() -> None:
    """Add the column; without it, the text is shown as it is."""
    comment = "what the reason, message and remedy were made of, as JSON"
    op.add_column("syncs", Column("wording", Text, comment=comment))
