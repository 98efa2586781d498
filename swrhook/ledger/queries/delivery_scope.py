"""Deliveries as a reader sees them whose token is limited to organizations of the source.

Such a reader sees the deliveries that announced an image of these organizations, and of each only
the part about them: its images, its syncs, its reasons.
"""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection, func, not_, select

from swrhook.ledger.large_deliveries import ReservedIds
from swrhook.ledger.queries.pagination import Condition, lowest_id_since
from swrhook.ledger.queries.scope import in_scope, namespaces_in_scope
from swrhook.ledger.queries.views import DeliveryFilter, ListedDelivery
from swrhook.ledger.tables import deliveries, expansions, pushes, syncs
from swrhook.rules.namespaces import Namespaces
from swrhook.wording.message import join_parts, split_parts


def ids_in_scope(
    connection: Connection,
    filters: DeliveryFilter,
    scope: Namespaces,
    conditions: Sequence[Condition],
) -> tuple[Sequence[str], str | None]:
    """Return the ids of a page's deliveries, newest first, and the cursor of the next page."""
    query = select(pushes.c.delivery).distinct().order_by(pushes.c.delivery.desc())
    query = query.join_from(pushes, deliveries, deliveries.c.id == pushes.c.delivery)
    query = query.where(*conditions).limit(filters.limit + 1)
    if filters.cursor is not None:
        query = query.where(pushes.c.delivery < filters.cursor)
    if filters.since is not None:
        query = query.where(pushes.c.delivery >= lowest_id_since(filters.since))
    ids: set[str] = set()
    for name in namespaces_in_scope(connection, pushes, scope):
        ids |= {*connection.scalars(query.where(pushes.c.namespace == name))}
    page = sorted(ids, reverse=True)
    limit = filters.limit
    return page[:limit], page[limit - 1] if len(page) > limit else None


def narrow(
    connection: Connection, delivery: ListedDelivery, scope: Namespaces, *, is_large: bool
) -> ListedDelivery:
    """Return what of a delivery is in scope. Its pushes and syncs are those in scope already."""
    if is_large:
        delivery = replace(
            delivery,
            pushes_total=_count_pushes(connection, delivery.id, scope),
            syncs_total=_count_syncs(connection, delivery, scope),
        )
    # Each of a delivery's reasons begins with the image that it is about.
    reasons = split_parts(delivery.reason or "")
    about = [reason for reason in reasons if reason.partition("/")[0] in scope]
    return replace(delivery, reason=join_parts(about) or None)


def _count_pushes(connection: Connection, delivery_id: str, scope: Namespaces) -> int:
    is_visible = (pushes.c.delivery == delivery_id, *in_scope(pushes.c.namespace, scope))
    return connection.scalar(select(func.count()).select_from(pushes).where(*is_visible)) or 0


def _count_syncs(connection: Connection, delivery: ListedDelivery, scope: Namespaces) -> int:
    """Count the syncs of a large delivery, whose ids follow its own."""
    last = ReservedIds(delivery.id, delivery.pushes_total, delivery.syncs_total).last
    is_of_delivery = (syncs.c.id > delivery.id, syncs.c.id <= last)
    query = select(func.count()).select_from(syncs)
    query = query.where(*is_of_delivery, *in_scope(syncs.c.namespace, scope))
    return connection.scalar(query) or 0


def is_wholly_in_scope(connection: Connection, delivery_id: str, scope: Namespaces | None) -> bool:
    """Tell whether all images that a delivery announced are in scope, and are known already."""
    if scope is None:
        return True
    [visible] = in_scope(pushes.c.namespace, scope)
    foreign = select(pushes.c.id).where(pushes.c.delivery == delivery_id, not_(visible)).limit(1)
    expanding = select(expansions.c.delivery).where(expansions.c.delivery == delivery_id)
    return connection.scalar(foreign) is None and connection.scalar(expanding) is None
