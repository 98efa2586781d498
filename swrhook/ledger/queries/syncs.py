"""The ledger's syncs as the API shows them: pages, newest first, and single ones."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Connection, FromClause, RowMapping, exists, func, or_, select

from swrhook.ledger.queries.pagination import Condition, Walk, among, newest_ids, page, window
from swrhook.ledger.queries.views import ImageFilter, ListedError, ListedSync, Page, SyncFilter
from swrhook.ledger.tables import pushes, syncs
from swrhook.model import State, Target

# Where syncs pile up: an index by state says little about them.
_COMMON_STATES = frozenset({State.VERIFIED, State.UNVERIFIED, State.SUPERSEDED})
_SYNC_COLUMNS = (
    "id",
    "sender",
    "namespace",
    "repository",
    "tag",
    "source_region",
    "target_region",
    "target_namespace",
    "override",
    "state",
    "reason",
    "attempts",
    "rule",
    "rules_version",
    "delivery",
    "superseded_by",
    "created_at",
    "updated_at",
    "due_at",
    "verified_at",
)
# What tells one way of a tag from another, in the order of the index by image.
_SAME = (
    "namespace",
    "repository",
    "tag",
    "source_region",
    "target_region",
    "target_namespace",
)
_SYNCS = select(
    *(syncs.c[name] for name in _SYNC_COLUMNS),
    func.coalesce(syncs.c.called_digest, syncs.c.digest).label("digest"),
    syncs.c.error_code,
    syncs.c.error_message,
    syncs.c.error_remedy,
)


def list_syncs(connection: Connection, wanted: SyncFilter) -> Page[ListedSync]:
    """Return a page of the syncs that match."""
    conditions = [
        *window(syncs, syncs.c.created_at, wanted.since, wanted.cursor),
        *_sync_conditions(wanted),
    ]
    walks = _sync_walks(connection, wanted)
    ids = newest_ids(connection, syncs, walks, conditions, wanted.limit + 1)
    return page(find_syncs(connection, ids[: wanted.limit]), has_more=len(ids) > wanted.limit)


def find_sync(connection: Connection, sync_id: str) -> ListedSync | None:
    """Return a sync by its id."""
    return next(iter(find_syncs(connection, [sync_id])), None)


def is_followed(found: FromClause) -> Condition:
    """Return the condition that a newer sync of the same tag, from and to the same places, exists.

    `found` is the table, or a subquery with these columns and the id.
    """
    newer = syncs.alias()
    same = [newer.c[name] == found.c[name] for name in _SAME]
    return exists().where(*same, newer.c.id > found.c.id)


def _sync_walks(connection: Connection, wanted: SyncFilter) -> Sequence[Walk]:
    """Choose the walks that meet the fewest syncs that do not match."""
    if wanted.image is not None:
        return [_of_image(wanted.image)]
    has_target = wanted.region is not None or wanted.namespace is not None
    if wanted.states and not (has_target and wanted.states & _COMMON_STATES):
        return [[syncs.c.state == state] for state in sorted(wanted.states)]
    if has_target:
        return [
            [syncs.c.target_region == target.region, syncs.c.target_namespace == target.namespace]
            for target in _targets(connection, wanted)
        ]
    return [[]]


def _of_image(image: ImageFilter) -> Walk:
    of_repository = [
        syncs.c.namespace == image.namespace,
        syncs.c.repository == image.repository,
    ]
    return of_repository if image.tag is None else [*of_repository, syncs.c.tag == image.tag]


def _targets(connection: Connection, wanted: SyncFilter) -> Iterable[Target]:
    """Yield the targets that the filter allows: one step in the index for each of these few."""
    regions: Iterable[str] = [wanted.region or ""]
    if wanted.region is None:
        regions = _distinct(connection, syncs.c.target_region)
    for region in regions:
        namespaces: Iterable[str] = [wanted.namespace or ""]
        if wanted.namespace is None:
            in_region = syncs.c.target_region == region
            namespaces = _distinct(connection, syncs.c.target_namespace, in_region)
        yield from (Target(region, namespace) for namespace in namespaces)


def _distinct(connection: Connection, column: Column[str], *within: Condition) -> Iterable[str]:
    lowest = select(func.min(column)).where(*within)
    value = connection.scalar(lowest)
    while value is not None:
        yield value
        value = connection.scalar(lowest.where(column > value))


def _sync_conditions(wanted: SyncFilter) -> Iterable[Condition]:
    if wanted.states:
        yield among(syncs.c.state, wanted.states)
    if wanted.standing:
        yield ~is_followed(syncs)
    if wanted.region is not None:
        yield among(syncs.c.target_region, [wanted.region])
    if wanted.namespace is not None:
        yield among(syncs.c.target_namespace, [wanted.namespace])


def find_syncs(connection: Connection, ids: Sequence[str]) -> list[ListedSync]:
    """Return the syncs with these ids, newest first; what is not there is left out."""
    if not ids:
        return []
    query = _SYNCS.where(syncs.c.id.in_(ids)).order_by(syncs.c.id.desc())
    return [_sync(row) for row in connection.execute(query).mappings()]


def _sync(row: RowMapping) -> ListedSync:
    error = None
    if row["error_code"] is not None:
        error = ListedError(row["error_code"], row["error_message"], row["error_remedy"])
    columns = {name: row[name] for name in _SYNC_COLUMNS}
    return ListedSync(digest=row["digest"], error=error, **columns)


# So many syncs of one tag are looked through, the newest ones: a wait looks often.
_MOST_LOOKED_THROUGH = 1000


@dataclass(frozen=True, slots=True)
class Awaited:
    """Which syncs of an image; None leaves that open. `delivery` may be a duplicate's id."""

    image: ImageFilter
    region: str | None = None
    digest: str | None = None
    delivery: str | None = None
    since: datetime | None = None


def find_awaited(connection: Connection, awaited: Awaited) -> list[ListedSync]:
    """Return the latest sync for each target that matches, followed to the one that carries on.

    A sync whose digest nobody has told yet matches every digest.
    """
    query = (
        select(syncs.c.id, syncs.c.target_region, syncs.c.target_namespace)
        .where(*_of_image(awaited.image), *_conditions(awaited))
        .order_by(syncs.c.id.desc())
        .limit(_MOST_LOOKED_THROUGH)
    )
    latest: dict[tuple[str, str], str] = {}
    for row in connection.execute(query):
        latest.setdefault((row.target_region, row.target_namespace), row.id)
    return find_syncs(connection, _heirs(connection, list(latest.values())))


def _conditions(awaited: Awaited) -> list[Condition]:
    found = window(syncs, syncs.c.created_at, awaited.since, None)
    if awaited.region is not None:
        found.append(func.coalesce(syncs.c.target_region, "") == awaited.region)
    if awaited.digest is not None:
        known = func.coalesce(syncs.c.called_digest, syncs.c.digest)
        found.append(
            or_(
                known.is_(None),
                syncs.c.digest == awaited.digest,
                syncs.c.called_digest == awaited.digest,
            )
        )
    if awaited.delivery is not None:
        announced = func.coalesce(pushes.c.original, pushes.c.id)
        of_delivery = select(announced).where(pushes.c.delivery == awaited.delivery)
        found.append(syncs.c.push.in_(of_delivery))
    return found


def _heirs(connection: Connection, ids: Sequence[str]) -> Sequence[str]:
    """Return for each sync the last that carries on for it; itself, where none does or is kept."""
    if not ids:
        return []
    first = select(syncs.c.id, syncs.c.superseded_by).where(syncs.c.id.in_(ids))
    chain = first.cte("chain", recursive=True)
    following = select(syncs.c.id, syncs.c.superseded_by)
    chain = chain.union(following.join(chain, syncs.c.id == chain.c.superseded_by))
    kept = select(syncs.c.id).where(syncs.c.id == chain.c.superseded_by).exists()
    return connection.scalars(select(chain.c.id).where(~kept).distinct()).all()
