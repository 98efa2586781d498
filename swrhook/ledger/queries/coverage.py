"""Coverage by rule and region: sums that are stored, so that each costs one row to read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, tuple_

from swrhook.ledger.coverage_tables import COUNTS, coverage, gaps
from swrhook.ledger.discovery import KnownOrganization, count_repositories, list_organizations
from swrhook.ledger.discovery_tables import repositories
from swrhook.model import image_name
from swrhook.syncs.coverage import Counts, CoverageKey
from swrhook.wording.storage import restore_optional, restore_parts

# Names of gaps in one answer.
MOST_GAPS = 10_000
_MOST_PROBLEMS = 100


@dataclass(frozen=True, slots=True)
class ListedGap:
    """A wanted tag that is not at its target as it should; `since` a comparison first found it."""

    image: str
    source_region: str
    target_namespace: str
    digest: str | None
    kind: str
    target_digest: str | None
    reason: str | None
    on_the_way: bool
    since: datetime


@dataclass(frozen=True, slots=True)
class ListedCoverage:
    """How many tags a rule wants in a region, and how many are there with the right digest.

    `gaps` are the oldest of the others, by name.
    """

    rule: str
    region: str
    wanted: int
    present: int
    on_the_way: int
    missing: int
    changed: int
    unknown: int
    oldest_observation: datetime | None
    oldest_gap: datetime | None
    gaps: Sequence[ListedGap]


@dataclass(frozen=True, slots=True)
class ListedProblem:
    """An organization that could not be listed; without `namespace`, those of the region."""

    region: str
    namespace: str | None
    problem: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class ListedDiscovery:
    """What discovery has listed; `waiting` repositories were never compared with their targets."""

    organizations: int
    repositories: int
    waiting: int
    problems: Sequence[ListedProblem]


@dataclass(frozen=True, slots=True)
class CoverageSum:
    """The counts of a rule and region."""

    key: CoverageKey
    counts: Counts
    oldest_observation: datetime | None
    oldest_gap: datetime | None


def read_sums(connection: Connection, keys: Sequence[CoverageKey]) -> list[CoverageSum]:
    """Return the sums of these rules and regions, in their order; zeros where there are none."""
    names = ("rule", "target_region", *COUNTS, "oldest_observation", "oldest_gap")
    query = select(*(coverage.c[name] for name in names))
    rows = connection.execute(
        query.where(tuple_(coverage.c.rule, coverage.c.target_region).in_(keys))
    )
    sums = {
        CoverageKey(*row[:2]): CoverageSum(CoverageKey(*row[:2]), Counts(*row[2:-2]), *row[-2:])
        for row in rows
    }
    return [sums.get(key) or CoverageSum(key, Counts(), None, None) for key in keys]


def list_coverage(
    connection: Connection, keys: Sequence[CoverageKey], most_gaps: int
) -> list[ListedCoverage]:
    """Return the coverage of these rules and regions, with the names of at most so many gaps."""
    most = min(most_gaps, MOST_GAPS // max(len(keys), 1))
    return [
        ListedCoverage(
            *row.key,
            wanted=row.counts.wanted,
            present=row.counts.present,
            on_the_way=row.counts.on_the_way,
            missing=row.counts.missing,
            changed=row.counts.changed,
            unknown=row.counts.unknown,
            oldest_observation=row.oldest_observation,
            oldest_gap=row.oldest_gap,
            gaps=_gaps(connection, row.key, most) if row.oldest_gap is not None else (),
        )
        for row in read_sums(connection, keys)
    ]


def _gaps(connection: Connection, key: CoverageKey, most: int) -> list[ListedGap]:
    is_key = (gaps.c.rule == key.rule, gaps.c.target_region == key.target_region)
    query = select(gaps).where(*is_key).order_by(gaps.c.since, gaps.c.route).limit(most)
    return [
        ListedGap(
            image=image_name(row["namespace"], row["repository"], row["tag"]),
            source_region=row["source_region"],
            target_namespace=row["target_namespace"],
            digest=row["digest"],
            kind=row["kind"],
            target_digest=row["target_digest"],
            reason=restore_optional(row["reason"], {}),
            on_the_way=row["on_the_way"],
            since=row["since"],
        )
        for row in connection.execute(query).mappings()
    ]


def read_discovery(connection: Connection) -> ListedDiscovery:
    """Return what discovery has listed, and what it could not."""
    organizations = list_organizations(connection)
    is_waiting = repositories.c.compared_at.is_(None)
    waiting = connection.scalar(select(func.count()).select_from(repositories).where(is_waiting))
    problems = [row for row in organizations if row.problem is not None][:_MOST_PROBLEMS]
    return ListedDiscovery(
        organizations=sum(bool(row.namespace) for row in organizations),
        repositories=count_repositories(connection),
        waiting=waiting or 0,
        problems=[_problem(row) for row in problems],
    )


def _problem(row: KnownOrganization) -> ListedProblem:
    problem = restore_parts(row.problem, None) or ""
    return ListedProblem(row.region, row.namespace or None, problem, row.listed_at)
