"""Procrastinate's tables, on PostgreSQL: the jobs of the engine."""

from pathlib import Path

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# As it was in Procrastinate 3.10. What a later one changes is a revision of its own, made of the
# files that come with it: the copy keeps this revision the same for whoever starts anew.
_SCHEMA = Path(__file__).parents[1] / "procrastinate_3.10.sql"


def upgrade() -> None:
    """Make the tables, types and functions; SQLite has its engine in the process."""
    connection = op.get_bind()
    if connection.dialect.name == "postgresql":
        # The driver's own call: many statements at once, and no `%` means a parameter.
        connection.connection.cursor().execute(_SCHEMA.read_text(encoding="utf-8"))
