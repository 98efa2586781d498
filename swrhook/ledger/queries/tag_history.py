"""The history of one tag: its deliveries, its syncs, and their calls."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, func, select

from swrhook.ledger.first_answers import FirstAnswer, answers_by_lane
from swrhook.ledger.queries.expansions import ListedExpansion, list_expansions
from swrhook.ledger.queries.pagination import equals, image_walk
from swrhook.ledger.queries.sync_timeline import Call
from swrhook.ledger.queries.syncs import list_syncs
from swrhook.ledger.queries.views import ImageFilter, ListedSync, SyncFilter
from swrhook.ledger.rows import SYNC_COLUMNS, field_columns, group, to_sync
from swrhook.ledger.tables import call_tags, calls, deliveries, lanes, pushes, syncs
from swrhook.model import Sync
from swrhook.wording.storage import restore_parts

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
class TagHistoryCall(Call):
    """A call with the tag; `digest` is the source's at that time, None if it could not be read.

    `answer` is SWR's answer, which is kept of the first calls only.
    """

    digest: str | None
    answer: FirstAnswer | None = None


@dataclass(frozen=True, slots=True)
class TagHistorySync:
    """A sync of the tag as the API shows it, as the worker sees it, and its calls, newest first.

    `lane_due_at` is when its lane is due, None if nothing of it is open. `is_ready` tells whether
    the lane is due and waits for room in its regions.
    """

    listed: ListedSync
    sync: Sync
    lane_due_at: datetime | None
    is_ready: bool
    calls: Sequence[TagHistoryCall]


@dataclass(frozen=True, slots=True)
class TagHistory:
    """The history, newest first and limited; `oldest_at`: when the oldest kept delivery came in.

    `expanding` are large deliveries that may have announced the tag, too: not all of their pushes
    are recorded yet.
    """

    deliveries: Sequence[TagHistoryDelivery] = ()
    syncs: Sequence[TagHistorySync] = ()
    oldest_at: datetime | None = None
    expanding: Sequence[ListedExpansion] = ()


def read_tag_history(
    connection: Connection, image: ImageFilter, sender: str | None, region: str | None
) -> TagHistory:
    """Return the history of a tag, limited to a sender's deliveries and a region's syncs."""
    return TagHistory(
        _deliveries(connection, image, sender),
        _syncs(connection, image, region),
        connection.scalar(select(deliveries.c.received_at).order_by(deliveries.c.id).limit(1)),
        list_expansions(connection, sender),
    )


def _deliveries(
    connection: Connection, image: ImageFilter, sender: str | None
) -> list[TagHistoryDelivery]:
    conditions = [*image_walk(pushes, image), *equals(pushes.c.sender, sender)]
    columns = field_columns(deliveries, TagHistoryDelivery)
    push = func.coalesce(pushes.c.original, pushes.c.id).label("push")
    query = (
        select(*columns, deliveries.c.wording, pushes.c.digest, push)
        .join_from(pushes, deliveries, deliveries.c.id == pushes.c.delivery)
        .where(*conditions)
        .order_by(pushes.c.id.desc())
        .limit(MOST_DELIVERIES)
    )
    rows = connection.execute(query).mappings().all()
    of_pushes = syncs.c.push.in_({row["push"] for row in rows})
    sync_query = select(syncs.c.push, syncs.c.id).where(of_pushes).order_by(syncs.c.id)
    sync_ids = group(connection.execute(sync_query))
    return [
        TagHistoryDelivery(
            **{column.name: row[column.name] for column in columns if column.name != "reason"},
            reason=restore_parts(row["reason"], row["wording"]),
            digest=row["digest"],
            syncs=sync_ids.get(row["push"], ()),
        )
        for row in rows
    ]


def _syncs(connection: Connection, image: ImageFilter, region: str | None) -> list[TagHistorySync]:
    page = list_syncs(connection, SyncFilter(image=image, limit=MOST_SYNCS))
    listed = {sync.id: sync for sync in page.items if region in (None, sync.source_region)}
    rows = connection.execute(
        select(*SYNC_COLUMNS, lanes.c.due_at.label("lane_due_at"), lanes.c.ready)
        .join_from(syncs, lanes, lanes.c.key == syncs.c.lane, isouter=True)
        .where(syncs.c.id.in_(listed))
        .order_by(syncs.c.id.desc())
    ).mappings()
    carried = _calls(connection, listed)
    return [
        TagHistorySync(
            listed[row["id"]],
            to_sync(row),
            row["lane_due_at"],
            bool(row["ready"]),
            carried.get(row["id"], ()),
        )
        for row in rows
    ]


def _calls(
    connection: Connection, sync_ids: Collection[str]
) -> Mapping[str, Sequence[TagHistoryCall]]:
    """Return the newest calls by sync id."""
    query = (
        select(call_tags.c.sync, calls.c.lane, *field_columns(calls, Call), call_tags.c.digest)
        .join_from(call_tags, calls, calls.c.id == call_tags.c.call)
        .where(call_tags.c.sync.in_(sync_ids))
        .order_by(calls.c.id.desc())
        .limit(MOST_SYNCS * MOST_CALLS)
    )
    rows = connection.execute(query).all()
    answers = answers_by_lane(connection, {row.lane for row in rows})
    by_sync = group(
        (sync, _with_answer(TagHistoryCall(*call), answers.get(lane, ())))
        for sync, lane, *call in rows
    )
    return {sync: newest[:MOST_CALLS] for sync, newest in by_sync.items()}


def _with_answer(call: TagHistoryCall, answers: Sequence[FirstAnswer]) -> TagHistoryCall:
    """Return a call with its answer: a lane has one call at a time."""
    ended_at = call.ended_at
    if ended_at is None:
        return call
    during = [answer for answer in answers if call.started_at <= answer.at <= ended_at]
    return replace(call, answer=during[-1]) if during else call
