"""The order of deliveries, when one is recorded after others that came in later.

Ids sort by the time at which deliveries were recorded, also those of what is recorded afterwards.
"""

import json
from collections.abc import Mapping, Sequence
from operator import itemgetter

from sqlalchemy import (
    Connection,
    Text,
    bindparam,
    exists,
    func,
    literal_column,
    select,
    text,
    true,
)
from sqlalchemy.dialects import postgresql

from swrhook.ledger.deduplication import Batch, Row, tag_key
from swrhook.ledger.deliveries import lock_pushes
from swrhook.ledger.lanes import lock_lanes
from swrhook.ledger.large_deliveries import ReservedIds
from swrhook.ledger.portions import Portion
from swrhook.ledger.sql import PreparedStatement
from swrhook.ledger.tables import deliveries, pushes, syncs
from swrhook.model import DeliveryEntry, Push


def lock_batch(
    connection: Connection, entry: DeliveryEntry, portion: Portion, ids: ReservedIds
) -> Batch:
    """Lock tags and lanes; return a batch that knows what was recorded as of the delivery."""
    latest, events = lock_pushes(connection, [sync.push for sync in entry.planned])
    first_push = next(ids.of_pushes(portion.first_push))
    batch = Batch(
        latest,
        {key: row for key, row in events.items() if row["push"] < first_push},
        push_ids=ids.of_pushes(portion.first_push),
        sync_ids=ids.of_syncs(portion.first_sync),
        later_tags={key for key, row in latest.items() if row["push"] and row["push"] > first_push},
        later_events={key for key, row in events.items() if row["push"] > first_push},
    )
    for key, push in {tag_key(push): push for push in entry.pushes}.items():
        if key in batch.later_tags:
            del latest[key]
            if (row := _earlier_push(connection, push, first_push)) is not None:
                latest[key] = row | {"key": key}
    lock_lanes(connection, {sync.lane for sync in entry.planned})
    batch.later_syncs = _later_syncs(connection, entry.pushes, ids.last)
    return batch


def _earlier_push(connection: Connection, push: Push, before: str) -> Row | None:
    """Return the latest push of a sender's tag as it was before a push id."""
    rows = _EARLIER_PUSH.rows(
        connection,
        sender=push.sender,
        namespace=push.namespace,
        repository=push.repository,
        tag=push.tag,
        before=before,
    )
    return next(iter(rows), None)


_EARLIER_PUSH = PreparedStatement(
    select(
        pushes.c.delivery,
        pushes.c.id.label("push"),
        pushes.c.digest,
        deliveries.c.received_at.label("seen_at"),
    )
    .join_from(pushes, deliveries, deliveries.c.id == pushes.c.delivery)
    .where(
        pushes.c.namespace == bindparam("namespace"),
        pushes.c.repository == bindparam("repository"),
        pushes.c.tag == bindparam("tag"),
        pushes.c.sender == bindparam("sender"),
        pushes.c.id < bindparam("before"),
        pushes.c.original.is_(None),
        exists().where(syncs.c.push == pushes.c.id),  # it was not ignored
    )
    .order_by(pushes.c.id.desc())
    .limit(1)
)


def _later_syncs(
    connection: Connection, announced: Sequence[Push], after: str
) -> Mapping[str, str]:
    """Return the newest sync of each route of these tags, by route, among those after an id."""
    tags = sorted({(push.namespace, push.repository, push.tag) for push in announced})
    if connection.dialect.name == "sqlite":
        rows = _LATER_SYNCS.rows(connection, tags=json.dumps(tags), after=after)
    else:
        namespaces, repositories, names = (list(column) for column in zip(*tags, strict=True))
        rows = _LATER_SYNCS_EACH.rows(
            connection, namespaces=namespaces, repositories=repositories, tags=names, after=after
        )
    return {row["route"]: row["id"] for row in sorted(rows, key=itemgetter("id"))}


# Both databases would rather scan all syncs after an id than look up each tag, see deliveries.py.
_LATER_SYNCS = PreparedStatement(
    text(
        "SELECT syncs.id, syncs.route FROM json_each(:tags) AS tags"
        " CROSS JOIN syncs INDEXED BY syncs_by_image"
        " ON syncs.namespace = json_extract(tags.value, '$[0]')"
        " AND syncs.repository = json_extract(tags.value, '$[1]')"
        " AND syncs.tag = json_extract(tags.value, '$[2]')"
        " WHERE syncs.id > :after"
    )
    .bindparams(bindparam("tags"), bindparam("after"))
    .columns(syncs.c.id, syncs.c.route)
)
_TAGS = (
    func.unnest(
        *(
            bindparam(name, type_=postgresql.ARRAY(Text))
            for name in ("namespaces", "repositories", "tags")
        )
    )
    .table_valued("namespace", "repository", "tag")
    .render_derived(name="tags")
)
_OF_ONE_TAG = (
    select(syncs.c.id, syncs.c.route)
    .where(
        syncs.c.namespace == _TAGS.c.namespace,
        syncs.c.repository == _TAGS.c.repository,
        syncs.c.tag == _TAGS.c.tag,
        syncs.c.id > bindparam("after"),
    )
    .offset(literal_column("0"))  # keeps the planner from merging it into the outer query
    .lateral()
)
_LATER_SYNCS_EACH = PreparedStatement(
    select(_OF_ONE_TAG.c.id, _OF_ONE_TAG.c.route).select_from(_TAGS.join(_OF_ONE_TAG, true()))
)
