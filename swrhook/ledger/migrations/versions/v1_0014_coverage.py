"""Keep how much of what the rules want is at its targets."""

from typing import Any

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Text

revision = "v1_0014"
down_revision = "v1_0013"
oldest_program = "v1_0001"


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "coverage",
        *_key(),
        *_counts(),
        Column("oldest_observation", BigInteger, comment="of the repository observed longest ago"),
        Column("oldest_gap", BigInteger, comment="since when the oldest gap is known"),
    )
    op.create_table(
        "repository_coverage",
        Column("source_region", String(63), primary_key=True),
        Column("namespace", String(64), primary_key=True),
        Column("repository", String(128), primary_key=True),
        *_key(),
        *_counts(),
        Column("observed_at", BigInteger, nullable=False),
        Index("repository_coverage_by_age", "rule", "target_region", "observed_at"),
    )
    op.create_table(
        "gaps",
        Column("route", String(600), primary_key=True, comment="source, tag and target"),
        Column("source_region", String(63), nullable=False),
        Column("namespace", String(64), nullable=False),
        Column("repository", String(128), nullable=False),
        Column("target_region", String(63), nullable=False),
        Column("target_namespace", String(64), nullable=False),
        Column("override", Boolean, nullable=False),
        Column("tag", String(128), nullable=False),
        Column("digest", String(135), comment="what the source holds"),
        Column("rule", Text, nullable=False),
        Column("kind", String(16), nullable=False),
        Column("target_digest", String(135), comment="what the target holds"),
        Column("reason", Text),
        Column("on_the_way", Boolean, nullable=False, comment="has an open sync"),
        Column("since", BigInteger, nullable=False, comment="when a comparison first found it"),
        Column("observed_at", BigInteger, nullable=False, comment="when one last did"),
        Index("gaps_by_repository", "source_region", "namespace", "repository"),
        Index("gaps_by_rule", "rule", "target_region", "since"),
    )
    op.create_table("known_targets", *_key(), Column("since", BigInteger, nullable=False))


def _key() -> list[Column[Any]]:
    return [
        Column("rule", Text, primary_key=True),
        Column("target_region", String(63), primary_key=True),
    ]


def _counts() -> list[Column[Any]]:
    names = ("wanted", "on_the_way", "missing", "changed", "unknown")
    return [Column(name, Integer, nullable=False) for name in names]
