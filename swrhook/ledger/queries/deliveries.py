"""Deliveries: pages, newest first, single ones, and what a replay needs."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, exists, func, select

from swrhook.ledger.database import Database
from swrhook.ledger.queries.delivery_scope import ids_in_scope, narrow
from swrhook.ledger.queries.pagination import Walk, equals, newer_than, page_ids
from swrhook.ledger.queries.scope import in_scope
from swrhook.ledger.queries.views import (
    DeliveryFilter,
    DuplicateBy,
    ListedDelivery,
    ListedPush,
    Page,
    syncs_url,
)
from swrhook.ledger.rows import field_columns, group
from swrhook.ledger.tables import deliveries, expansions, pushes, syncs
from swrhook.model import Outcome, Push, StoredDelivery, image_name
from swrhook.rules.namespaces import Namespaces
from swrhook.wording.storage import restore_parts

_PAGE = 1000


def iter_pushes(database: Database, since: datetime) -> Iterator[Sequence[Push]]:
    """Yield pages of the pushes recorded since then, without digest, event id and time.

    So all pushes of a tag are equal. No transaction stays open between two pages.
    """
    columns = [pushes.c[name] for name in ("sender", "region", "namespace", "repository", "tag")]
    query = (
        select(pushes.c.id, *columns)
        .join_from(pushes, deliveries, deliveries.c.id == pushes.c.delivery)
        .where(*newer_than(pushes, deliveries.c.received_at, since))
        .order_by(pushes.c.id.desc())
        .limit(_PAGE)
    )
    next_page = query
    while True:
        with database.read() as connection:
            rows = connection.execute(next_page).all()
        if rows:
            next_page = query.where(pushes.c.id < rows[-1].id)
            yield [Push(*row[1:]) for row in rows]
        if len(rows) < _PAGE:
            return


_COLUMNS = field_columns(deliveries, ListedDelivery)
_IS_EXPANDING = exists().where(expansions.c.delivery == deliveries.c.id)
# The event id of a delivery's first push, empty if it has none; null without a push.
_EVENT = (
    select(func.coalesce(pushes.c.event_id, ""))
    .where(pushes.c.delivery == deliveries.c.id)
    .limit(1)
    .scalar_subquery()
)
_DELIVERIES = select(
    *_COLUMNS, deliveries.c.wording, _IS_EXPANDING.label("expanding"), _EVENT.label("event")
)
_PUSHES = select(
    pushes.c.delivery, pushes.c.digest, pushes.c.namespace, pushes.c.repository, pushes.c.tag
)


def list_deliveries(connection: Connection, filters: DeliveryFilter) -> Page[ListedDelivery]:
    """Return a page of the matching deliveries; with a scope, what is in it of each."""
    conditions = [
        *newer_than(deliveries, deliveries.c.received_at, filters.since),
        *equals(deliveries.c.sender, filters.sender),
        *equals(deliveries.c.outcome, filters.outcome),
    ]
    if filters.scope is None:
        walks = [_delivery_walk(filters)]
        ids, cursor = page_ids(connection, deliveries, filters, walks, conditions)
    else:
        ids, cursor = ids_in_scope(connection, filters, filters.scope, conditions)
    return Page(_deliveries(connection, ids, filters.scope), cursor)


def find_delivery(
    connection: Connection, delivery_id: str, scope: Namespaces | None = None
) -> ListedDelivery | None:
    """Return a delivery by its id; None if nothing of it is in scope."""
    listed = _deliveries(connection, [delivery_id], scope)
    return next((delivery for delivery in listed if delivery.pushes_total or scope is None), None)


def _delivery_walk(filters: DeliveryFilter) -> Walk:
    """Choose the index that meets the fewest rows that do not match."""
    is_rare = filters.outcome == Outcome.QUARANTINED
    if filters.sender is not None and not is_rare:
        return [deliveries.c.sender == filters.sender]
    return [] if filters.outcome is None else [deliveries.c.outcome == filters.outcome]


def _deliveries(
    connection: Connection, ids: Sequence[str], scope: Namespaces | None
) -> list[ListedDelivery]:
    if not ids:
        return []
    query = _DELIVERIES.where(deliveries.c.id.in_(ids)).order_by(deliveries.c.id.desc())
    rows = connection.execute(query).mappings().all()
    small = [row["id"] for row in rows if row["pushes_total"] is None]
    push_lists, sync_ids = _pushes(connection, small, scope), _syncs(connection, small, scope)
    listed = [
        _to_listed(row, push_lists.get(row["id"], []), sync_ids.get(row["id"], [])) for row in rows
    ]
    if scope is None:
        return listed
    return [
        narrow(connection, delivery, scope, is_large=delivery.id not in small)
        for delivery in listed
    ]


def _to_listed(
    row: RowMapping, announced: Sequence[ListedPush], sync_ids: Sequence[str]
) -> ListedDelivery:
    values: dict[str, Any] = dict(row)
    by_digest = values.pop("event") == ""  # without pushes it is large, and recognized by its id
    values["reason"] = restore_parts(row["reason"], values.pop("wording"))
    if row["outcome"] == Outcome.DUPLICATE:
        values["duplicate_by"] = DuplicateBy.DIGEST if by_digest else DuplicateBy.EXTERNAL_ID
    if row["pushes_total"] is None:
        values |= {"pushes_total": len(announced), "syncs_total": len(sync_ids)}
    return ListedDelivery(
        **{"duplicate_by": None, **values},
        pushes=announced,
        syncs=sync_ids,
        syncs_url=syncs_url(row["id"]),
    )


def _pushes(
    connection: Connection, ids: Sequence[str], scope: Namespaces | None
) -> dict[str, list[ListedPush]]:
    """Return the pushes by delivery id."""
    query = _PUSHES.where(pushes.c.delivery.in_(ids), *in_scope(pushes.c.namespace, scope))
    query = query.order_by(pushes.c.id)
    return group(
        (delivery, ListedPush(image_name(*image), digest))
        for delivery, digest, *image in connection.execute(query)
    )


def _syncs(
    connection: Connection, ids: Sequence[str], scope: Namespaces | None
) -> dict[str, list[str]]:
    """Return the ids of syncs by delivery id; a duplicate has those of the original's pushes."""
    of_push = syncs.c.push == func.coalesce(pushes.c.original, pushes.c.id)
    query = select(pushes.c.delivery, syncs.c.id).join_from(pushes, syncs, of_push).distinct()
    query = query.where(pushes.c.delivery.in_(ids), *in_scope(pushes.c.namespace, scope))
    query = query.order_by(syncs.c.id)
    return group(connection.execute(query))


_STORED = select(*field_columns(deliveries, StoredDelivery), _IS_EXPANDING.label("expanding"))
_STORED_PUSHES = select(*field_columns(pushes, Push))


def read_header(connection: Connection, delivery_id: str, name: str) -> str:
    """Return a kept header of a delivery, empty if it had none."""
    statement = select(deliveries.c.headers).where(deliveries.c.id == delivery_id)
    headers = connection.scalar(statement) or {}
    value: str = headers.get(name, "")
    return value


def stored_delivery(connection: Connection, delivery_id: str) -> StoredDelivery | None:
    """Return a delivery with what a replay needs; None when there is none with this id.

    The pushes are read only if there is no body.
    """
    row = connection.execute(_STORED.where(deliveries.c.id == delivery_id)).mappings().one_or_none()
    if row is None:
        return None
    values = {**row, "outcome": Outcome(row["outcome"])}
    if row["body"] is not None:
        return StoredDelivery(**values)
    query = _STORED_PUSHES.where(pushes.c.delivery == delivery_id).order_by(pushes.c.id)
    stored_pushes = [Push(**push) for push in connection.execute(query).mappings()]
    return StoredDelivery(**values, pushes=stored_pushes)
