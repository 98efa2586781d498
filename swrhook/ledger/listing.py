"""What is in the ledger, newest first, a page at a time, however much it holds.

Ids sort by time, so the last id of a page is the cursor of the next. Each query walks an index in
the order of ids and stops when its page is full; a choice of several values (states, targets) is
one such walk for each, merged.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    Table,
    and_,
    func,
    select,
    tuple_,
)
from ulid import ULID

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
from swrhook.model import Outcome, State

Condition = ColumnElement[bool]
# One walk through an index: conditions of equality that leave its rows in the order of ids.
Walk = Sequence[Condition]

# Where syncs pile up: an index by state says little about them.
_COMMON_STATES = frozenset({State.VERIFIED, State.ACCEPTED, State.SUPERSEDED})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
# An id is made just after the time that is filtered by; a clock may be set back in between.
_CLOCK_SLACK = timedelta(minutes=1)
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
_SYNC = [syncs.c[name] for name in _SYNC_COLUMNS]
_MORE_OF_SYNC = [
    func.coalesce(syncs.c.called_digest, syncs.c.digest).label("digest"),
    syncs.c.error_code,
    syncs.c.error_message,
    syncs.c.error_remedy,
]
_DELIVERY_COLUMNS = (
    "id",
    "source",
    "dialect",
    "outcome",
    "reason",
    "received_at",
    "sender_id",
)
_DELIVERY = [deliveries.c[name] for name in _DELIVERY_COLUMNS]


def list_syncs(connection: Connection, wanted: SyncFilter) -> Page[ListedSync]:
    """Return a page of the syncs that match."""
    conditions = [*_window(syncs, syncs.c.created_at, wanted), *_sync_conditions(wanted)]
    walks = _sync_walks(connection, wanted)
    ids = [
        found
        for walk in walks
        for found in connection.scalars(walk_query(syncs, walk, conditions, wanted.limit))
    ]
    rows = _rows(connection, select(*_SYNC, *_MORE_OF_SYNC), syncs, _first(ids, wanted.limit))
    return _page([_sync(row) for row in rows], ids, wanted.limit)


def list_deliveries(connection: Connection, wanted: DeliveryFilter) -> Page[ListedDelivery]:
    """Return a page of the deliveries that match."""
    conditions = _window(deliveries, deliveries.c.received_at, wanted)
    for column, value in ((deliveries.c.source, wanted.source), (deliveries.c.outcome, wanted.outcome)):
        if value is not None:
            conditions.append(_filtered(column, [value]))
    walk = _delivery_walk(wanted)
    ids = list(connection.scalars(walk_query(deliveries, walk, conditions, wanted.limit)))
    rows = _rows(connection, select(*_DELIVERY), deliveries, _first(ids, wanted.limit))
    return _page(_with_parts(connection, rows), ids, wanted.limit)
