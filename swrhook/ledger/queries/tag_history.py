"""The history of one tag: its deliveries, its syncs, and their calls."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, select

from swrhook.ledger.queries.syncs import list_syncs
from swrhook.ledger.queries.views import ImageFilter, ListedSync, SyncFilter
from swrhook.ledger.rows import SYNC_COLUMNS, to_sync
from swrhook.ledger.tables import call_tags, calls, deliveries, lanes, pushes, syncs
from swrhook.model import Sync

MOST_DELIVERIES = 20
MOST_SYNCS = 50
MOST_CALLS = 10


@dataclass(frozen=True, slots=True)
class TagHistoryDelivery:
    """A delivery that announced the tag.

    `syncs` are the ids of the syncs of its push, or of the push that it repeats. `original` is the
    delivery that a duplicate repeats.
    """

    id: str
    sender: str
    outcome: str
    reason: str | None
    received_at: datetime
    digest: str | None
    rules_version: str
    original: str | None
    replayed_from: str | None
    syncs: Sequence[str]


@dataclass(frozen=True, slots=True)
class TagHistoryCall:
    """A call of sync_images with the tag; `code` is the code of its error, None for 200.

    `digest` is the source's at that time, None when it could not be read. `ended_at` is None until
    the result of the call is recorded.
    """

    id: str
    started_at: datetime
    ended_at: datetime | None
    code: str | None
    message: str | None
    digest: str | None


@dataclass(frozen=True, slots=True)
class TagHistorySync:
    """A sync of the tag as the API shows it, as the worker sees it, and its calls, newest first.

    `wake_at` is when its lane runs next, None if it is not scheduled.
    """

    listed: ListedSync
    sync: Sync
    wake_at: datetime | None
    calls: Sequence[TagHistoryCall]


@dataclass(frozen=True, slots=True)
class TagHistory:
    """The history, newest first and limited; `oldest_at`: when the oldest kept delivery came in."""

    deliveries: Sequence[TagHistoryDelivery] = ()
    syncs: Sequence[TagHistorySync] = ()
    oldest_at: datetime | None = None


def read_tag_history(
    connection: Connection, image: ImageFilter, sender: str | None, region: str | None
) -> TagHistory:
    """Return the history of a tag, limited to a sender's deliveries and a region's syncs."""
    return TagHistory(
        _deliveries(connection, image, sender),
        _syncs(connection, image, region),
        connection.scalar(select(deliveries.c.received_at).order_by(deliveries.c.id).limit(1)),
    )


def _deliveries(
    connection: Connection, image: ImageFilter, sender: str | None
) -> list[TagHistoryDelivery]:
    conditions = [
        pushes.c.namespace == image.namespace,
        pushes.c.repository == image.repository,
        pushes.c.tag == image.tag,
    ]
    if sender is not None:
        conditions.append(pushes.c.sender == sender)
    columns = (
        deliveries.c.id,
        deliveries.c.sender,
        deliveries.c.outcome,
        deliveries.c.reason,
        deliveries.c.received_at,
        deliveries.c.rules_version,
        deliveries.c.original,
        deliveries.c.replayed_from,
    )
    push = func.coalesce(pushes.c.original, pushes.c.id).label("push")
    query = (
        select(*columns, pushes.c.digest, push)
        .join_from(pushes, deliveries, deliveries.c.id == pushes.c.delivery)
        .where(*conditions)
        .order_by(pushes.c.id.desc())
        .limit(MOST_DELIVERIES)
    )
    rows = connection.execute(query).mappings().all()
    sync_ids = _sync_ids(connection, {row["push"] for row in rows})
    return [
        TagHistoryDelivery(
            **{column.name: row[column.name] for column in columns},
            digest=row["digest"],
            syncs=sync_ids.get(row["push"], ()),
        )
        for row in rows
    ]


def _sync_ids(connection: Connection, push_ids: set[str]) -> Mapping[str, Sequence[str]]:
    """Return the ids of syncs by push id."""
    query = select(syncs.c.push, syncs.c.id).where(syncs.c.push.in_(push_ids))
    by_push: dict[str, list[str]] = {}
    for push, sync in connection.execute(query.order_by(syncs.c.id)):
        by_push.setdefault(push, []).append(sync)
    return by_push


def _syncs(connection: Connection, image: ImageFilter, region: str | None) -> list[TagHistorySync]:
    page = list_syncs(connection, SyncFilter(image=image, limit=MOST_SYNCS))
    listed = {sync.id: sync for sync in page.items if region in (None, sync.source_region)}
    rows = connection.execute(
        select(*SYNC_COLUMNS, lanes.c.wake_at)
        .join_from(syncs, lanes, lanes.c.key == syncs.c.lane, isouter=True)
        .where(syncs.c.id.in_(listed))
        .order_by(syncs.c.id.desc())
    ).mappings()
    carried = _calls(connection, call_tags.c.sync.in_(listed))
    return [
        TagHistorySync(listed[row["id"]], to_sync(row), row["wake_at"], carried.get(row["id"], ()))
        for row in rows
    ]


def _calls(
    connection: Connection, condition: ColumnElement[bool]
) -> Mapping[str, Sequence[TagHistoryCall]]:
    """Return the newest calls by sync id."""
    columns = (
        calls.c.id,
        calls.c.started_at,
        calls.c.ended_at,
        calls.c.code,
        calls.c.message,
        call_tags.c.digest,
    )
    query = (
        select(*columns, call_tags.c.sync)
        .join_from(call_tags, calls, calls.c.id == call_tags.c.call)
        .where(condition)
        .order_by(calls.c.id.desc())
        .limit(MOST_SYNCS * MOST_CALLS)
    )
    by_sync: dict[str, list[TagHistoryCall]] = {}
    for row in connection.execute(query).mappings():
        calls_of_sync = by_sync.setdefault(row["sync"], [])
        if len(calls_of_sync) < MOST_CALLS:
            values = {column.name: row[column.name] for column in columns}
            calls_of_sync.append(TagHistoryCall(**values))
    return by_sync
