"""Syncs: pages, newest first, single ones, and those that a wait is for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    Connection,
    FromClause,
    Select,
    and_,
    exists,
    func,
    select,
)

from swrhook.ledger.large_deliveries import ReservedIds
from swrhook.ledger.pauses import read_pauses
from swrhook.ledger.queries.pagination import (
    Condition,
    Walk,
    distinct,
    equals,
    image_walk,
    in_values,
    newer_than,
    page_ids,
)
from swrhook.ledger.queries.scope import in_scope, namespaces_in_scope
from swrhook.ledger.queries.sync_rows import LISTED_COLUMNS, to_listed
from swrhook.ledger.queries.views import (
    ImageFilter,
    ListedSync,
    Page,
    SyncFilter,
)
from swrhook.ledger.rows import LANE_COLUMNS
from swrhook.ledger.successors import find_successors
from swrhook.ledger.tables import (
    RARE,
    RARE_STATES,
    deliveries,
    expansions,
    observations,
    pushes,
    syncs,
)
from swrhook.model import OPEN_STATES, State, Target
from swrhook.syncs.pauses import NO_PAUSES

MOST_SEARCHED = 20_000
_AT_TARGET = and_(
    observations.c.region == syncs.c.target_region,
    observations.c.namespace == syncs.c.target_namespace,
    observations.c.repository == syncs.c.repository,
    observations.c.tag == syncs.c.tag,
)
_SYNCS = select(
    *LISTED_COLUMNS,
    func.coalesce(syncs.c.called_digest, syncs.c.digest).label("digest"),
    syncs.c.error_code,
    syncs.c.error_message,
    syncs.c.error_remedy,
    syncs.c.wording,
    observations.c.observed_at,
    observations.c.digest.label("observed_digest"),
    observations.c.since,
    observations.c.sync.label("observed_sync"),
).join_from(syncs, observations, _AT_TARGET, isouter=True)


def list_syncs(connection: Connection, filters: SyncFilter) -> Page[ListedSync]:
    """Return a page of the matching syncs."""
    conditions = [
        *newer_than(syncs, syncs.c.created_at, filters.since),
        *equals(syncs.c.target_region, filters.region),
        *equals(syncs.c.target_namespace, filters.namespace),
        *in_scope(syncs.c.namespace, filters.scope),
    ]
    if filters.states:
        conditions.append(in_values(syncs.c.state, filters.states))
    if filters.standing:
        conditions.append(~is_followed(syncs))
    walks = _sync_walks(connection, filters)
    is_repository = filters.image is not None and filters.image.tag is None
    end = None
    if filters.rule is not None:
        # No index has the rule: a page searches so many syncs, and the next one those before.
        end = _end_of_search(connection, filters.cursor)
        conditions += [in_values(syncs.c.rule, [filters.rule]), syncs.c.id >= end]
    ids, cursor = page_ids(connection, syncs, filters, walks, conditions, sort=is_repository)
    return Page(find_syncs(connection, ids), cursor or end or None)


def _end_of_search(connection: Connection, cursor: str | None) -> str:
    """Return the last id that a page of a rule's syncs searches; empty if it reaches the first."""
    query = select(syncs.c.id).order_by(syncs.c.id.desc()).offset(MOST_SEARCHED - 1).limit(1)
    if cursor is not None:
        query = query.where(syncs.c.id < cursor)
    return connection.scalar(query) or ""


def find_sync(connection: Connection, sync_id: str) -> ListedSync | None:
    """Return a sync by its id."""
    return next(iter(find_syncs(connection, [sync_id])), None)


def find_syncs(connection: Connection, ids: Sequence[str]) -> list[ListedSync]:
    """Return the syncs with these ids, newest first; unknown ids are left out."""
    if not ids:
        return []
    query = _SYNCS.where(syncs.c.id.in_(ids)).order_by(syncs.c.id.desc())
    rows = connection.execute(query).mappings().all()
    is_any_open = any(row["state"] in OPEN_STATES for row in rows)
    pauses = read_pauses(connection) if is_any_open else NO_PAUSES
    return [to_listed(row, pauses) for row in rows]


# A route, in the order of the index by image.
ROUTE_COLUMNS = (
    "namespace",
    "repository",
    "tag",
    *(name for name in LANE_COLUMNS if name not in ("namespace", "repository", "override")),
)


def is_followed(table: FromClause) -> Condition:
    """Return the condition that a newer sync of the same tag, source and target exists.

    `table` is syncs, or a subquery with the same columns.
    """
    newer = syncs.alias()
    same_route = [newer.c[name] == table.c[name] for name in ROUTE_COLUMNS]
    return exists().where(*same_route, newer.c.id > table.c.id)


def _sync_walks(connection: Connection, filters: SyncFilter) -> Sequence[Walk]:
    """Choose the walks that meet the fewest rows that do not match."""
    if filters.delivery is not None:
        of_image = [] if filters.image is None else image_walk(syncs, filters.image)
        return [[*walk, *of_image] for walk in _delivery_walks(connection, filters.delivery)]
    images = [filters.image] if filters.image is not None else filters.images
    if images is not None:
        return [image_walk(syncs, image) for image in images]
    if filters.scope is not None:
        # What others have in the ledger takes such a reader no time.
        names = namespaces_in_scope(connection, syncs, filters.scope)
        return [[syncs.c.namespace == name] for name in names]
    return _state_or_target_walks(connection, filters)


def _state_or_target_walks(connection: Connection, filters: SyncFilter) -> Sequence[Walk]:
    by_state = [[syncs.c.state == state] for state in sorted(filters.states)]
    if filters.region is None and filters.namespace is None:
        return by_state or [[]]
    by_target = [
        [syncs.c.target_region == target.region, syncs.c.target_namespace == target.namespace]
        for target in _targets(connection, filters)
    ]
    if filters.states and filters.states <= RARE_STATES:
        return [[*state, *target, RARE] for state in by_state for target in by_target]
    # Most syncs of a target are in the common states, so the target is as good as an index.
    is_common = not filters.states or filters.states & {State.VERIFIED, State.SUPERSEDED}
    return by_target if is_common else by_state


def _delivery_walks(connection: Connection, delivery_id: str) -> Sequence[Walk]:
    """Return the walks through the syncs that carry a delivery's pushes.

    The syncs of a large delivery have consecutive ids. Only those of earlier pushes, which it
    repeats, are found push by push.
    """
    delivery_id = recorded_delivery(connection, delivery_id)
    columns = [deliveries.c.pushes_total, deliveries.c.syncs_total]
    row = connection.execute(select(*columns).where(deliveries.c.id == delivery_id)).one_or_none()
    if row is None or row.pushes_total is None:
        return [[syncs.c.push.in_(pushes_of_delivery(delivery_id))]]
    last = ReservedIds(delivery_id, *row).last
    originals = select(pushes.c.original).where(pushes.c.delivery == delivery_id)
    is_earlier = [syncs.c.id < delivery_id, syncs.c.push.in_(originals)]
    return [[syncs.c.id > delivery_id, syncs.c.id <= last], is_earlier]


def recorded_delivery(connection: Connection, delivery_id: str) -> str:
    """Return the delivery that has the pushes: the original of a large duplicate, or itself.

    A large delivery whose own id is known already is recorded without pushes.
    """
    has_pushes = exists().where(pushes.c.delivery == deliveries.c.id)
    is_without = (deliveries.c.id == delivery_id, deliveries.c.original.is_not(None), ~has_pushes)
    return connection.scalar(select(deliveries.c.original).where(*is_without)) or delivery_id


def pushes_of_delivery(delivery_id: str) -> Select[tuple[str]]:
    """Return the query for a delivery's pushes; those that it repeats, in place of duplicates."""
    original = func.coalesce(pushes.c.original, pushes.c.id)
    return select(original).where(pushes.c.delivery == delivery_id)


def _targets(connection: Connection, filters: SyncFilter) -> Iterable[Target]:
    """Yield the targets that match the filter; there are few of them."""
    regions: Iterable[str] = [filters.region or ""]
    if filters.region is None:
        regions = distinct(connection, syncs.c.target_region)
    for region in regions:
        namespaces: Iterable[str] = [filters.namespace or ""]
        if filters.namespace is None:
            in_region = syncs.c.target_region == region
            namespaces = distinct(connection, syncs.c.target_namespace, in_region)
        yield from (Target(region, namespace) for namespace in namespaces)


# Only the newest syncs of a tag are searched, because a wait repeats the query often.
_MOST_SEARCHED = 1000


@dataclass(frozen=True, slots=True)
class WaitFilter:
    """Which syncs of an image to wait for; None matches all. `delivery` may be a duplicate."""

    image: ImageFilter
    region: str | None = None
    digest: str | None = None
    delivery: str | None = None
    since: datetime | None = None


def find_waited_syncs(connection: Connection, filters: WaitFilter) -> list[ListedSync]:
    """Return the newest matching sync of each target; if superseded, the one that goes on.

    A sync whose digest is not known yet matches every digest.
    """
    conditions = _wait_conditions(filters)
    if filters.delivery is not None:
        delivery_id = recorded_delivery(connection, filters.delivery)
        of_image = pushes_of_delivery(delivery_id).where(*image_walk(pushes, filters.image))
        conditions.append(syncs.c.push.in_(of_image))
    query = (
        select(syncs.c.id, syncs.c.target_region, syncs.c.target_namespace)
        .where(*image_walk(syncs, filters.image), *conditions)
        .order_by(syncs.c.id.desc())
        .limit(_MOST_SEARCHED)
    )
    newest: dict[tuple[str, str], str] = {}
    for row in connection.execute(query):
        newest.setdefault((row.target_region, row.target_namespace), row.id)
    successors = find_successors(connection, newest.values())
    return find_syncs(connection, sorted({*successors.values()}))


def _wait_conditions(filters: WaitFilter) -> list[Condition]:
    conditions = newer_than(syncs, syncs.c.created_at, filters.since)
    conditions += equals(syncs.c.target_region, filters.region)
    if filters.digest is not None:
        has_no_digest = func.coalesce(syncs.c.called_digest, syncs.c.digest).is_(None)
        has_digest = (syncs.c.digest == filters.digest) | (syncs.c.called_digest == filters.digest)
        conditions.append(has_no_digest | has_digest)
    return conditions


def is_expanding(connection: Connection, delivery_id: str) -> bool:
    """Tell whether a delivery, or the original of a large duplicate, is not wholly recorded yet."""
    recorded = recorded_delivery(connection, delivery_id)
    query = select(expansions.c.delivery).where(expansions.c.delivery == recorded)
    return connection.scalar(query) is not None
