"""The ledger's deliveries as the API shows them: pages, newest first, and single ones."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from sqlalchemy import Connection, func, select

from swrhook.ledger.database import Database
from swrhook.ledger.queries.pagination import (
    Condition,
    Walk,
    in_values,
    newer_than,
    newest_ids,
    to_page,
)
from swrhook.ledger.queries.views import DeliveryFilter, ListedDelivery, ListedPush, Page
from swrhook.ledger.tables import deliveries, pushes, syncs
from swrhook.model import Outcome, Push, StoredDelivery, image_name

_PAGE = 1000


def iter_pushes(database: Database, since: datetime) -> Iterator[Sequence[Push]]:
    """Yield pages of the pushes recorded since then; nothing is held in between.

    What the sender told beside the tag is left out, so that pushes of the same tag are equal.
    """
    columns = (
        pushes.c.sender,
        pushes.c.region,
        pushes.c.namespace,
        pushes.c.repository,
        pushes.c.tag,
    )
    query = (
        select(*columns, pushes.c.id)
        .join_from(pushes, deliveries, deliveries.c.id == pushes.c.delivery)
        .order_by(pushes.c.id.desc())
        .limit(_PAGE)
    )
    cursor = None
    while True:
        conditions = newer_than(pushes, deliveries.c.received_at, since, cursor)
        with database.read() as connection:
            rows = connection.execute(query.where(*conditions)).all()
        if rows:
            cursor = rows[-1].id
            yield [Push(*row[: len(columns)]) for row in rows]
        if len(rows) < _PAGE:
            return


_DELIVERY_COLUMNS = (
    "id",
    "sender",
    "dialect",
    "outcome",
    "reason",
    "received_at",
    "external_id",
    "replayed_from",
)
_DELIVERIES = select(*(deliveries.c[name] for name in _DELIVERY_COLUMNS))
_PUSHES = select(
    pushes.c.delivery, pushes.c.namespace, pushes.c.repository, pushes.c.tag, pushes.c.digest
)


def list_deliveries(connection: Connection, wanted: DeliveryFilter) -> Page[ListedDelivery]:
    """Return a page of the deliveries that match."""
    conditions = newer_than(deliveries, deliveries.c.received_at, wanted.since, wanted.cursor)
    conditions += _delivery_conditions(wanted)
    walks = [_delivery_walk(wanted)]
    ids = newest_ids(connection, deliveries, walks, conditions, wanted.limit + 1)
    return to_page(_deliveries(connection, ids[: wanted.limit]), has_more=len(ids) > wanted.limit)


def find_delivery(connection: Connection, delivery_id: str) -> ListedDelivery | None:
    """Return a delivery by its id."""
    return next(iter(_deliveries(connection, [delivery_id])), None)


def _delivery_walk(wanted: DeliveryFilter) -> Walk:
    is_rare = wanted.outcome == Outcome.QUARANTINED
    if wanted.sender is not None and not is_rare:
        return [deliveries.c.sender == wanted.sender]
    return [] if wanted.outcome is None else [deliveries.c.outcome == wanted.outcome]


def _delivery_conditions(wanted: DeliveryFilter) -> Iterable[Condition]:
    if wanted.sender is not None:
        yield in_values(deliveries.c.sender, [wanted.sender])
    if wanted.outcome is not None:
        yield in_values(deliveries.c.outcome, [wanted.outcome])


def _deliveries(connection: Connection, ids: Sequence[str]) -> list[ListedDelivery]:
    if not ids:
        return []
    query = _DELIVERIES.where(deliveries.c.id.in_(ids)).order_by(deliveries.c.id.desc())
    rows = connection.execute(query).mappings().all()
    announced = _pushes(connection, ids)
    made = _syncs(connection, ids)
    return [
        ListedDelivery(pushes=announced.get(row["id"], []), syncs=made.get(row["id"], []), **row)
        for row in rows
    ]


def _pushes(connection: Connection, ids: Sequence[str]) -> dict[str, list[ListedPush]]:
    found: dict[str, list[ListedPush]] = {}
    query = _PUSHES.where(pushes.c.delivery.in_(ids)).order_by(pushes.c.id)
    for row in connection.execute(query):
        image = image_name(row.namespace, row.repository, row.tag)
        found.setdefault(row.delivery, []).append(ListedPush(image, row.digest))
    return found


def _syncs(connection: Connection, ids: Sequence[str]) -> dict[str, list[str]]:
    made: dict[str, list[str]] = {}
    for_push = syncs.c.push == func.coalesce(pushes.c.original, pushes.c.id)
    query = select(pushes.c.delivery, syncs.c.id).join_from(pushes, syncs, for_push).distinct()
    query = query.where(pushes.c.delivery.in_(ids)).order_by(syncs.c.id)
    for delivery, sync in connection.execute(query):
        made.setdefault(delivery, []).append(sync)
    return made


_KEPT = select(
    *(
        deliveries.c[name]
        for name in ("id", "sender", "outcome", "original", "external_id", "headers", "body")
    )
)
_KEPT_PUSHES = select(
    *(
        pushes.c[name]
        for name in (
            "sender",
            "region",
            "namespace",
            "repository",
            "tag",
            "digest",
            "event_id",
            "pushed_at",
        )
    )
)


def stored_delivery(connection: Connection, delivery_id: str) -> StoredDelivery | None:
    """Return what is kept of a delivery; None when there is none with this id."""
    row = connection.execute(_KEPT.where(deliveries.c.id == delivery_id)).mappings().one_or_none()
    if row is None:
        return None
    query = _KEPT_PUSHES.where(pushes.c.delivery == delivery_id).order_by(pushes.c.id)
    announced = [Push(**push) for push in connection.execute(query).mappings()]
    return StoredDelivery(**{**row, "outcome": Outcome(row["outcome"])}, pushes=announced)
