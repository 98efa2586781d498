"""Keep what a delivery's reasons were made of, so that they can be put into another language."""

from alembic import op
from sqlalchemy import Column, Text

revision = "v1_0015"
down_revision = "v1_0014"
oldest_program = "v1_0001"


def upgrade() -> None:
    """Add the column; without it, the text is shown as it is."""
    comment = "what the reason was made of, as JSON"
    op.add_column("deliveries", Column("wording", Text, comment=comment))
