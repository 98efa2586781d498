"""What was announced of a tag, and which calls carried it, found without reading all."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the two indexes."""
    op.create_index("pushes_by_image", "pushes", ["namespace", "repository", "tag", "id"])
    op.create_index("call_tags_by_sync", "call_tags", ["sync"])
