"""What the ledger holds, as the API shows it: pages, newest first, and single objects."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Column, Connection, RowMapping, func, select

from swrhook.ledger.listed import (
    DeliveryFilter,
    ImageFilter,
    Item,
    ListedDelivery,
    ListedError,
    ListedPush,
    ListedSync,
    Page,
    SyncFilter,
)
from swrhook.ledger.tables import deliveries, pushes, syncs
from swrhook.ledger.walking import Condition, Walk, among, newest_ids, window
from swrhook.model import Outcome, State, Target

# Where syncs pile up: an index by state says little about them.
_COMMON_STATES = frozenset({State.VERIFIED, State.ACCEPTED, State.SUPERSEDED})
_SYNC_COLUMNS = (
    "id",
    "source",
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
_SYNCS = select(
    *(syncs.c[name] for name in _SYNC_COLUMNS),
    func.coalesce(syncs.c.called_digest, syncs.c.digest).label("digest"),
    syncs.c.error_code,
    syncs.c.error_message,
    syncs.c.error_remedy,
)
_DELIVERY_COLUMNS = ("id", "source", "dialect", "outcome", "reason", "received_at", "sender_id")
_DELIVERIES = select(*(deliveries.c[name] for name in _DELIVERY_COLUMNS))


def list_syncs(connection: Connection, wanted: SyncFilter) -> Page[ListedSync]:
    """Return a page of the syncs that match."""
    conditions = [
        *window(syncs, syncs.c.created_at, wanted.since, wanted.cursor),
        *_sync_conditions(wanted),
    ]
    walks = _sync_walks(connection, wanted)
    ids = newest_ids(connection, syncs, walks, conditions, wanted.limit + 1)
    return _page(_syncs(connection, ids[: wanted.limit]), has_more=len(ids) > wanted.limit)


def find_sync(connection: Connection, sync_id: str) -> ListedSync | None:
    """Return a sync by its id."""
    return next(iter(_syncs(connection, [sync_id])), None)


def list_deliveries(connection: Connection, wanted: DeliveryFilter) -> Page[ListedDelivery]:
    """Return a page of the deliveries that match."""
    conditions = window(deliveries, deliveries.c.received_at, wanted.since, wanted.cursor)
    conditions += _delivery_conditions(wanted)
    walks = [_delivery_walk(wanted)]
    ids = newest_ids(connection, deliveries, walks, conditions, wanted.limit + 1)
    return _page(_deliveries(connection, ids[: wanted.limit]), has_more=len(ids) > wanted.limit)


def find_delivery(connection: Connection, delivery_id: str) -> ListedDelivery | None:
    """Return a delivery by its id."""
    return next(iter(_deliveries(connection, [delivery_id])), None)


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
    if wanted.region is not None:
        yield among(syncs.c.target_region, [wanted.region])
    if wanted.namespace is not None:
        yield among(syncs.c.target_namespace, [wanted.namespace])


def _delivery_walk(wanted: DeliveryFilter) -> Walk:
    is_rare = wanted.outcome == Outcome.QUARANTINED
    if wanted.source is not None and not is_rare:
        return [deliveries.c.source == wanted.source]
    return [] if wanted.outcome is None else [deliveries.c.outcome == wanted.outcome]


def _delivery_conditions(wanted: DeliveryFilter) -> Iterable[Condition]:
    if wanted.source is not None:
        yield among(deliveries.c.source, [wanted.source])
    if wanted.outcome is not None:
        yield among(deliveries.c.outcome, [wanted.outcome])


def _page(items: Sequence[Item], *, has_more: bool) -> Page[Item]:
    return Page(items, items[-1].id if has_more else None)


def _syncs(connection: Connection, ids: Sequence[str]) -> list[ListedSync]:
    query = _SYNCS.where(syncs.c.id.in_(ids)).order_by(syncs.c.id.desc())
    return [_sync(row) for row in connection.execute(query).mappings()]


def _sync(row: RowMapping) -> ListedSync:
    error = None
    if row["error_code"] is not None:
        error = ListedError(row["error_code"], row["error_message"], row["error_remedy"])
    columns = {name: row[name] for name in _SYNC_COLUMNS}
    return ListedSync(digest=row["digest"], error=error, **columns)


def _deliveries(connection: Connection, ids: Sequence[str]) -> list[ListedDelivery]:
    query = _DELIVERIES.where(deliveries.c.id.in_(ids)).order_by(deliveries.c.id.desc())
    rows = connection.execute(query).mappings().all()
    announced: dict[str, list[ListedPush]] = {row["id"]: [] for row in rows}
    columns = (pushes.c.namespace, pushes.c.repository, pushes.c.tag, pushes.c.digest)
    of_these = pushes.c.delivery.in_(list(announced))
    for push in connection.execute(
        select(pushes.c.delivery, *columns).where(of_these).order_by(pushes.c.id)
    ):
        image = f"{push.namespace}/{push.repository}:{push.tag}"
        announced[push.delivery].append(ListedPush(image, push.digest))
    made: dict[str, list[str]] = {row["id"]: [] for row in rows}
    carries = syncs.c.push == func.coalesce(pushes.c.original, pushes.c.id)
    for delivery, sync in connection.execute(
        select(pushes.c.delivery, syncs.c.id)
        .join_from(pushes, syncs, carries)
        .where(of_these)
        .order_by(syncs.c.id)
    ):
        made[delivery].append(sync)
    return [
        ListedDelivery(pushes=announced[row["id"]], syncs=made[row["id"]], **row) for row in rows
    ]
