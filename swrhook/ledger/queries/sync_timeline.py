"""The timeline of one sync: its delivery, its progress and its calls."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from swrhook.ledger.queries.pagination import lowest_id
from swrhook.ledger.queries.syncs import find_sync, list_syncs
from swrhook.ledger.queries.views import ImageFilter, ListedSync, SyncFilter
from swrhook.ledger.rows import SYNC_COLUMNS, field_columns, to_sync
from swrhook.ledger.tables import call_tags, calls, deliveries, syncs
from swrhook.model import Sync

# The newest calls of a lane that are searched for those with the sync.
MOST_CALLS = 200
_MOST_OTHERS = 50
_SLACK = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Call:
    """A call of sync_images. `code` and `message`: its error; `ended_at` None: no result yet."""

    id: str
    started_at: datetime
    ended_at: datetime | None
    code: str | None
    message: str | None


@dataclass(frozen=True, slots=True)
class SyncTimeline:
    """A sync, its progress, its calls oldest first, and the tag's newest syncs at other targets."""

    sync: ListedSync
    progress: Sync
    received_at: datetime | None
    calls: Sequence[Call]
    others: Sequence[ListedSync]


def read_timeline(connection: Connection, sync_id: str) -> SyncTimeline | None:
    """Return the timeline of a sync; None when there is none with this id."""
    sync = find_sync(connection, sync_id)
    row = connection.execute(select(*SYNC_COLUMNS).where(syncs.c.id == sync_id)).mappings().first()
    if sync is None or row is None:
        return None
    progress = to_sync(row)
    received = select(deliveries.c.received_at).where(deliveries.c.id == sync.delivery)
    return SyncTimeline(
        sync,
        progress,
        connection.scalar(received),
        _calls(connection, progress),
        _others(connection, sync),
    )


def _calls(connection: Connection, sync: Sync) -> list[Call]:
    """Return the calls with the sync, of both its lanes: a retry may have changed `override`."""
    sync_calls = []
    for override in (False, True):
        lane = replace(sync.lane, override=override)
        newest = (
            select(*field_columns(calls, Call))
            .where(calls.c.lane == lane.key, calls.c.id >= lowest_id(sync.created_at - _SLACK))
            .order_by(calls.c.id.desc())
            .limit(MOST_CALLS)
            .subquery()
        )
        has_sync = (call_tags.c.call == newest.c.id) & (call_tags.c.sync == sync.id)
        rows = connection.execute(select(newest).join(call_tags, has_sync))
        sync_calls += [Call(*row) for row in rows]
    return sorted(sync_calls, key=lambda call: call.id)


def _others(connection: Connection, sync: ListedSync) -> list[ListedSync]:
    image = ImageFilter(sync.namespace, sync.repository, sync.tag)
    page = list_syncs(connection, SyncFilter(image=image, limit=_MOST_OTHERS))
    newest: dict[tuple[str, str], ListedSync] = {}
    for other in page.items:
        newest.setdefault((other.target_region, other.target_namespace), other)
    return [other for _, other in sorted(newest.items()) if other.id != sync.id]
