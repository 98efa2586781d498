"""Let processes ask what a place holds, and find observations by digest and source."""

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Index, String, Text, text

revision = "v1_0007"
down_revision = "v1_0006"
oldest_program = "v1_0001"

_READY = text("ready")
_HELD = text("holder IS NOT NULL")


def upgrade() -> None:
    """Add the columns, the index and the table."""
    source = Column(
        "source_region", String(63), comment="of a target: what it is copied from, if known"
    )
    op.add_column("observations", source)
    op.add_column("observations", Column("source_namespace", String(64)))
    op.create_index("observations_by_digest", "observations", ["digest", "namespace", "repository"])
    op.create_table(
        "questions",
        Column("place", String(400), primary_key=True),
        Column("region", String(63), nullable=False),
        Column("namespace", String(64), nullable=False),
        Column("repository", String(128), nullable=False),
        Column("tag", String(128), nullable=False),
        Column(
            "since", BigInteger, nullable=False, comment="a look that began earlier is no answer"
        ),
        Column("until", BigInteger, nullable=False, comment="then nobody waits for the answer"),
        Column("asked_at", BigInteger, nullable=False),
        Column("ready", Boolean, nullable=False, comment="waits for a worker"),
        Column("holder", String(26), comment="the worker that looks"),
        Column("held_until", BigInteger, comment="then another worker looks"),
        Column("error", Text, comment="why the last look has failed"),
        Column("is_final", Boolean, nullable=False, comment="another look would fail, too"),
        Index(
            "questions_ready", "region", "asked_at", sqlite_where=_READY, postgresql_where=_READY
        ),
        Index("questions_held", "holder", sqlite_where=_HELD, postgresql_where=_HELD),
    )
