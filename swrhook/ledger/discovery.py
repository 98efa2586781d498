"""What discovery has listed: the organizations and repositories that the rules can reach."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    delete,
    false,
    func,
    or_,
    select,
    tuple_,
    update,
)

from swrhook.ledger.discovery_tables import CHANGED, organizations, repositories
from swrhook.ledger.sql import put, upsert
from swrhook.ledger.tables import lanes
from swrhook.rules.glob import Glob
from swrhook.rules.namespaces import Namespaces
from swrhook.syncs.discovery import DiscoveredRepository, OrganizationRef
from swrhook.syncs.reconciliation import RepositoryRef
from swrhook.syncs.scope import Scope

_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_SOME_TAGS = 20
_PORTION = 1000
# A lane's key may be longer than the cursor of a repair: its beginning sorts before it.
_MOST_CURSOR = 290

_ORGANIZATION = (organizations.c.region, organizations.c.namespace)
_KEY = (repositories.c.source_region, repositories.c.namespace, repositories.c.repository)


@dataclass(frozen=True, slots=True)
class KnownOrganization:
    """An organization as it was last listed; `problem` says why it could not be."""

    region: str
    namespace: str
    repositories: int | None
    listed_at: datetime | None
    problem: str | None


def keep_organizations(
    connection: Connection, region: str, namespaces: Iterable[str], now: datetime
) -> None:
    """Note that the rules reach these organizations of a region."""
    for namespace in sorted(namespaces):
        put(connection, organizations, {"region": region, "namespace": namespace}, {"seen_at": now})


def note_problem(
    connection: Connection, ref: OrganizationRef, problem: str | None, now: datetime
) -> None:
    """Note why an organization, or a region's list of them, could not be listed, or that it was."""
    key = {"region": ref.region, "namespace": ref.namespace}
    put(connection, organizations, key, {"seen_at": now, "listed_at": now, "problem": problem})


def organizations_to_list(connection: Connection, since: datetime) -> list[OrganizationRef]:
    """Return the organizations that no list of began since, those first whose last is oldest."""
    is_left = or_(organizations.c.listed_at.is_(None), organizations.c.listed_at < since)
    query = (
        select(organizations.c.region, organizations.c.namespace)
        .where(organizations.c.namespace != "", organizations.c.seen_at >= since, is_left)
        .order_by(organizations.c.listed_at.is_not(None), organizations.c.listed_at, *_ORGANIZATION)
    )
    return [OrganizationRef(*row) for row in connection.execute(query)]


def known_organizations(connection: Connection, region: str | None = None) -> list[str]:
    """Return the names of the organizations of a region, or of all."""
    query = select(organizations.c.namespace).where(organizations.c.namespace != "")
    if region is not None:
        query = query.where(organizations.c.region == region)
    return [*connection.scalars(query.distinct())]


def organizations_in_scope(connection: Connection, scope: Scope) -> list[str]:
    """Return the names of the organizations that a scope selects among those the rules reach."""
    names = known_organizations(connection, scope.region)
    if scope.namespaces is None:
        return names
    selected = Namespaces(tuple(Glob(pattern) for pattern in scope.namespaces))
    return [name for name in names if name in selected]


def list_organizations(connection: Connection) -> list[KnownOrganization]:
    """Return all organizations; a region's own list has no `namespace`."""
    names = ("region", "namespace", "repositories", "listed_at", "problem")
    query = select(*(organizations.c[name] for name in names)).order_by(*organizations.primary_key)
    return [KnownOrganization(*row) for row in connection.execute(query)]


def keep_repositories(
    connection: Connection,
    ref: OrganizationRef,
    listed: Sequence[DiscoveredRepository],
    began_at: datetime,
) -> None:
    """Store a page of an organization's repositories from a list that began at a time."""
    rows = [
        {
            "source_region": ref.region,
            "namespace": ref.namespace,
            "repository": repository.name,
            "tags": repository.tag_count,
            "some_tags": [*repository.tags[:_SOME_TAGS]],
            "updated_at": repository.updated_at,
            "seen_at": began_at,
            "visited_at": _NEVER,
            "compared_at": None,
            "changed": True,
        }
        for repository in sorted(listed, key=lambda one: one.name)
    ]
    statement = upsert(connection, repositories)
    new = statement.excluded
    was_changed = or_(
        repositories.c.changed,
        repositories.c.updated_at.is_distinct_from(new.updated_at),
        repositories.c.tags.is_distinct_from(new.tags),
    )
    values = {name: new[name] for name in ("tags", "some_tags", "updated_at", "seen_at")}
    if rows:
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=[*_KEY], set_={**values, "changed": was_changed}
            ),
            rows,
        )


def ensure_repository(connection: Connection, ref: RepositoryRef, now: datetime) -> None:
    """Store a repository that no list has had, unless it is known."""
    key = {"source_region": ref.region, "namespace": ref.namespace, "repository": ref.repository}
    values = {"seen_at": now, "visited_at": _NEVER, "changed": True}
    statement = upsert(connection, repositories).values(**key, **values)
    connection.execute(statement.on_conflict_do_nothing())


def count_listed(
    connection: Connection, ref: OrganizationRef, names: Collection[str], began_at: datetime
) -> int:
    """Return how many of these repositories are in the list that began at a time already."""
    query = select(func.count()).where(
        repositories.c.source_region == ref.region,
        repositories.c.namespace == ref.namespace,
        repositories.c.repository.in_(sorted(names)),
        repositories.c.seen_at >= began_at,
    )
    return connection.scalar(query) or 0


def end_list(
    connection: Connection, ref: OrganizationRef, count: int, began_at: datetime, *, is_whole: bool
) -> None:
    """Note that an organization's last page was read; `is_whole`: no repository is missing."""
    values = {"listed_at": began_at, "repositories": count, "problem": None}
    key = {"region": ref.region, "namespace": ref.namespace}
    whole = {"whole_at": began_at} if is_whole else {}
    put(connection, organizations, key, {"seen_at": began_at, **values, **whole})


def gone_repositories(connection: Connection, since: datetime, most: int) -> list[RepositoryRef]:
    """Return repositories that a whole list lacks, or whose organization no rule reaches."""
    of_organization = (
        organizations.c.region == repositories.c.source_region,
        organizations.c.namespace == repositories.c.namespace,
    )
    is_gone = or_(
        repositories.c.seen_at < organizations.c.whole_at, organizations.c.seen_at < since
    )
    query = select(*_KEY).where(*of_organization, is_gone).order_by(*_KEY).limit(most)
    return [RepositoryRef(*row) for row in connection.execute(query)]


def forget_repositories(connection: Connection, refs: Collection[RepositoryRef]) -> None:
    """Delete repositories."""
    for ref in refs:
        connection.execute(delete(repositories).where(*_is(ref)))


def forget_organizations(connection: Connection, since: datetime) -> None:
    """Delete the organizations that no rule has reached since."""
    connection.execute(delete(organizations).where(organizations.c.seen_at < since))


def keep_synced_repositories(connection: Connection, after: str, now: datetime) -> str | None:
    """Store a portion of the repositories that lanes name; return where the next one begins."""
    columns = (lanes.c.source_region, lanes.c.namespace, lanes.c.repository)
    query = select(lanes.c.key, *columns).where(lanes.c.key > after).order_by(lanes.c.key)
    rows = connection.execute(query.limit(_PORTION)).all()
    names = sorted({(row.source_region, row.namespace, row.repository) for row in rows})
    values = {"seen_at": now, "visited_at": _NEVER, "changed": True}
    if names:
        connection.execute(
            upsert(connection, repositories).on_conflict_do_nothing(),
            [
                {"source_region": region, "namespace": namespace, "repository": name, **values}
                for region, namespace, name in names
            ],
        )
    return None if len(rows) < _PORTION else rows[-1].key[:_MOST_CURSOR]


def next_to_visit(connection: Connection, since: datetime) -> RepositoryRef | None:
    """Return the repository whose turn it is; None when all have had theirs since.

    Those that have changed come first, then the one whose last turn is longest ago.
    """
    for conditions in ([CHANGED], []):
        query = select(*_KEY).where(*conditions, repositories.c.visited_at < since)
        row = connection.execute(query.order_by(repositories.c.visited_at).limit(1)).one_or_none()
        if row is not None:
            return RepositoryRef(*row)
    return None


def next_by_name(
    connection: Connection, after: RepositoryRef, region: str | None, names: Collection[str] | None
) -> RepositoryRef | None:
    """Return the repository that follows another one, in the region and organizations."""
    position = (after.region, after.namespace, after.repository)
    query = select(*_KEY).where(tuple_(*_KEY) > position, *_within(region, names))
    row = connection.execute(query.order_by(*_KEY).limit(1)).one_or_none()
    return None if row is None else RepositoryRef(*row)


def count_repositories(
    connection: Connection, region: str | None = None, names: Collection[str] | None = None
) -> int:
    """Return how many repositories the region and organizations have."""
    query = select(func.count()).select_from(repositories).where(*_within(region, names))
    return connection.scalar(query) or 0


def has_changed(connection: Connection, since: datetime) -> bool:
    """Tell whether a repository that has changed waits for its turn."""
    query = select(repositories.c.repository).where(CHANGED, repositories.c.visited_at < since)
    return connection.execute(query.limit(1)).first() is not None


def mark_visited(
    connection: Connection, ref: RepositoryRef, now: datetime, compared_at: datetime | None = None
) -> None:
    """Note that a repository had its turn, and when it was compared with all its targets."""
    values: dict[str, object] = {"visited_at": now}
    if compared_at is not None:
        values |= {"compared_at": compared_at, "changed": false()}
    connection.execute(update(repositories).where(*_is(ref)).values(values))


def _is(ref: RepositoryRef) -> Iterable[ColumnElement[bool]]:
    values = (ref.region, ref.namespace, ref.repository)
    return [column == value for column, value in zip(_KEY, values, strict=True)]


def _within(region: str | None, names: Collection[str] | None) -> list[ColumnElement[bool]]:
    conditions = [] if region is None else [repositories.c.source_region == region]
    return conditions if names is None else [*conditions, repositories.c.namespace.in_(names)]


def sample_tags(connection: Connection, most: int) -> list[tuple[str, str, str, str]]:
    """Return a sample of discovered tags: region, organization, repository and tag.

    It has at most 20 tags of a repository, and of the repositories those that changed last.
    """
    query = select(*_KEY, repositories.c.some_tags).order_by(repositories.c.visited_at.desc())
    rows = connection.execute(query.limit(most)).all()
    sample = [(*row[:3], tag) for row in rows for tag in row.some_tags or ()]
    return sample[:: max(len(sample) // most, 1)][:most]
