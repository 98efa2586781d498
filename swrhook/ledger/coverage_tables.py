"""The tables of coverage: how much of what the rules want is at its targets."""

from typing import Any

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text

from swrhook.ledger.columns import (
    DIGEST,
    LANE_KEY,
    NAMESPACE,
    REGION,
    REPOSITORY,
    TAG,
    lane_columns,
    metadata,
)
from swrhook.ledger.types import Instant

COUNTS = ("wanted", "on_the_way", "missing", "changed", "unknown")


def _counts() -> list[Column[Any]]:
    return [Column(name, Integer, nullable=False) for name in COUNTS]


# The sums over all repositories: one row for each rule and region that it copies to.
coverage = Table(
    "coverage",
    metadata,
    Column("rule", Text, primary_key=True),
    Column("target_region", REGION, primary_key=True),
    *_counts(),
    Column("oldest_observation", Instant, comment="of the repository observed longest ago"),
    Column("oldest_gap", Instant, comment="since when the oldest gap is known"),
)

# The same for each repository of the source.
repository_coverage = Table(
    "repository_coverage",
    metadata,
    Column("source_region", REGION, primary_key=True),
    Column("namespace", NAMESPACE, primary_key=True),
    Column("repository", REPOSITORY, primary_key=True),
    Column("rule", Text, primary_key=True),
    Column("target_region", REGION, primary_key=True),
    *_counts(),
    Column("observed_at", Instant, nullable=False),
    Index("repository_coverage_by_age", "rule", "target_region", "observed_at"),
)

# Wanted tags that are not at their target as they should, by name.
gaps = Table(
    "gaps",
    metadata,
    Column("route", LANE_KEY, primary_key=True, comment="source, tag and target"),
    *lane_columns(),
    Column("tag", TAG, nullable=False),
    Column("digest", DIGEST, comment="what the source holds"),
    Column("rule", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("target_digest", DIGEST, comment="what the target holds"),
    Column("reason", Text),
    Column("on_the_way", Boolean, nullable=False, comment="has an open sync"),
    Column("since", Instant, nullable=False, comment="when a comparison first found it"),
    Column("observed_at", Instant, nullable=False, comment="when one last did"),
    Index("gaps_by_repository", "source_region", "namespace", "repository"),
    Index("gaps_by_rule", "rule", "target_region", "since"),
)

# The rules and regions whose backfill was proposed, or that were there before.
known_targets = Table(
    "known_targets",
    metadata,
    Column("rule", Text, primary_key=True),
    Column("target_region", REGION, primary_key=True),
    Column("since", Instant, nullable=False),
)
