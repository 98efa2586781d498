"""Keep what discovery lists, and let repairs of organizations tell how far they are."""

from alembic import op
from sqlalchemy import JSON, BigInteger, Boolean, Column, Index, Integer, String, Text, text

revision = "v1_0013"
down_revision = "v1_0012"
oldest_program = "v1_0001"

_CHANGED = text("changed")


def upgrade() -> None:
    """Add the tables and the columns."""
    op.create_table(
        "organizations",
        Column("region", String(63), primary_key=True),
        Column("namespace", String(64), primary_key=True),
        Column("seen_at", BigInteger, nullable=False, comment="when the rules last reached it"),
        Column(
            "listed_at", BigInteger, comment="when its repositories were last listed, or refused"
        ),
        Column(
            "whole_at",
            BigInteger,
            comment="when the last list began that nothing was missing in",
        ),
        Column("repositories", Integer, comment="in the last list"),
        Column("problem", Text, comment="why the last list was refused"),
    )
    op.create_table(
        "repositories",
        Column("source_region", String(63), primary_key=True),
        Column("namespace", String(64), primary_key=True),
        Column("repository", String(128), primary_key=True),
        Column("tags", Integer, comment="as SWR lists them; null: not listed"),
        Column("some_tags", JSON(none_as_null=True), comment="the names of a few"),
        Column("updated_at", BigInteger, comment="as SWR lists it"),
        Column(
            "seen_at", BigInteger, nullable=False, comment="when the list began that last had it"
        ),
        Column(
            "visited_at", BigInteger, nullable=False, comment="by a reconcile of all; 1970: never"
        ),
        Column("compared_at", BigInteger, comment="when it was last compared with its targets"),
        Column("changed", Boolean, nullable=False, comment="since it was last compared"),
        Index("repositories_by_visit", "visited_at"),
        Index(
            "repositories_changed",
            "visited_at",
            sqlite_where=_CHANGED,
            postgresql_where=_CHANGED,
        ),
    )
    scope = Column("scope", JSON(none_as_null=True), comment="what of all it is about; null: all")
    op.add_column("repairs", scope)
    op.add_column("repairs", Column("total", Integer, comment="repositories to compare, if known"))
    op.add_column("repairs", Column("done", Integer, comment="of these"))
    op.add_column("repairs", Column("same", Integer, comment="tags, beside those in findings"))
    op.add_column("repairs", Column("proposed", Boolean, comment="by swrhook, for a new rule"))
