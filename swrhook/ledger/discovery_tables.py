"""The tables of what discovery has listed at the source: organizations and repositories."""

from sqlalchemy import JSON, Boolean, Column, Index, Integer, Table, Text, text

from swrhook.ledger.columns import NAMESPACE, REGION, REPOSITORY, metadata
from swrhook.ledger.types import Instant, partial_index

# Condition of a partial index; see tables.py.
CHANGED = text("changed")


# The organizations of source regions that the rules can reach.
organizations = Table(
    "organizations",
    metadata,
    Column("region", REGION, primary_key=True),
    Column("namespace", NAMESPACE, primary_key=True),
    Column("seen_at", Instant, nullable=False, comment="when the rules last reached it"),
    Column("listed_at", Instant, comment="when its repositories were last listed, or refused"),
    Column("whole_at", Instant, comment="when the last list began that nothing was missing in"),
    Column("repositories", Integer, comment="in the last list"),
    Column("problem", Text, comment="why the last list was refused"),
)

# Their repositories, and those that a sync has named.
repositories = Table(
    "repositories",
    metadata,
    Column("source_region", REGION, primary_key=True),
    Column("namespace", NAMESPACE, primary_key=True),
    Column("repository", REPOSITORY, primary_key=True),
    Column("tags", Integer, comment="as SWR lists them; null: not listed"),
    Column("some_tags", JSON(none_as_null=True), comment="the names of a few"),
    Column("updated_at", Instant, comment="as SWR lists it"),
    Column("seen_at", Instant, nullable=False, comment="when the list began that last had it"),
    Column("visited_at", Instant, nullable=False, comment="by a reconcile of all; 1970: never"),
    Column("compared_at", Instant, comment="when it was last compared with its targets"),
    Column("changed", Boolean, nullable=False, comment="since it was last compared"),
    Index("repositories_by_visit", "visited_at"),
    partial_index("repositories_changed", "visited_at", where=CHANGED),
)
