"""What is to be told: recorded with its cause, and taken to be gathered in notifications."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from swrhook.ledger.bulk_insert import insert_rows
from swrhook.ledger.notification_tables import notices
from swrhook.ledger.queries.pagination import image_walk
from swrhook.ledger.queries.views import ImageFilter
from swrhook.ledger.rows import LANE_COLUMNS
from swrhook.ledger.tables import syncs
from swrhook.ledger.types import new_id
from swrhook.model import State, Target, image_name
from swrhook.notifications.model import WORDING, Notice, Topic
from swrhook.notifications.rules import FAILED_STATES

# The newest syncs of a tag that are searched for those of its targets.
_MOST_OF_TAG = 200
_INSERT_ENDING = insert(notices)


def record_endings(connection: Connection, sync_ids: Iterable[str], now: datetime) -> None:
    """Record that syncs have ended, in the transaction that ends them."""
    rows = [{"id": new_id(), "sync": sync_id, "at": now} for sync_id in sync_ids]
    insert_rows(connection, _INSERT_ENDING, rows)


def record_notices(connection: Connection, new: Sequence[Notice]) -> None:
    """Record what is to be told."""
    rows = [
        {
            "id": new_id(),
            "sync": None,
            "topic": notice.topic.value,
            "cause": notice.cause,
            "at": notice.at,
            "facts": dict(notice.facts),
            "item": None if notice.item is None else dict(notice.item),
            "subject": dict(notice.subject),
        }
        for notice in new
    ]
    if rows:
        connection.execute(insert(notices), rows)


def has_notices(connection: Connection) -> bool:
    """Tell whether anything is to be told."""
    return connection.scalar(select(notices.c.id).limit(1)) is not None


@dataclass(frozen=True, slots=True)
class TakenNotices:
    """Notices that were taken, and the syncs among them that failed."""

    count: int
    notices: Sequence[Notice]
    failed: Sequence[Any]  # rows of syncs


def take_notices(connection: Connection, limit: int) -> TakenNotices:
    """Take the oldest notices out of the ledger; a rollback puts them back."""
    oldest = select(notices.c.id).order_by(notices.c.id).limit(limit)
    statement = delete(notices).where(notices.c.id.in_(oldest)).returning(notices)
    rows = sorted(connection.execute(statement).mappings(), key=lambda row: str(row["id"]))
    recorded = [_to_notice(row) for row in rows if row["topic"] is not None]
    ended = _ended_syncs(connection, [row["sync"] for row in rows if row["sync"] is not None])
    failed = [sync for sync in ended if sync.state in _FAILED]
    verified = [sync for sync in ended if sync.state == State.VERIFIED.value]
    recorded += [failure_of(sync) for sync in failed]
    recorded += [notice for sync in verified if (notice := _availability(connection, sync))]
    return TakenNotices(len(rows), recorded, failed)


_FAILED = {state.value for state in FAILED_STATES}
_COLUMNS = [
    *(syncs.c[name] for name in ("id", "push", "sender", *LANE_COLUMNS, "tag", "route")),
    *(syncs.c[name] for name in ("digest", "called_digest", "state", "updated_at", "verified_at")),
    *(syncs.c[name] for name in ("reason", "error_code", "error_message", "error_remedy")),
    syncs.c.wording,
]


def _ended_syncs(connection: Connection, ids: Sequence[str]) -> Sequence[Any]:
    query = select(*_COLUMNS).where(syncs.c.id.in_(set(ids))).order_by(syncs.c.id)
    return connection.execute(query).all() if ids else ()


def failure_of(sync: Any) -> Notice:  # noqa: ANN401  # a row
    """Return the notice of a sync that failed."""
    way = f"{sync.source_region}>{sync.target_region}"
    facts = {
        "state": sync.state,
        "code": sync.error_code,
        "message": sync.error_message or sync.reason,
        "remedy": sync.error_remedy,
        **wording_of(sync),
        "source_region": sync.source_region,
        "target_region": sync.target_region,
    }
    cause = f"{sync.state}:{sync.error_code or ''}:{way}"
    return Notice(Topic.FAILED, cause, sync.updated_at, facts, item_of(sync), subject_of(sync))


def wording_of(row: Any) -> dict[str, str]:  # noqa: ANN401  # a row
    """Return the member that says what a row's reason is made of, if there is any."""
    return {WORDING: row.wording} if row.wording else {}


def item_of(sync: Any) -> dict[str, Any]:  # noqa: ANN401  # a row
    """Return a sync as an item of a notification."""
    return {
        "sync": sync.id,
        "image": image_name(sync.namespace, sync.repository, sync.tag),
        "target": str(Target(sync.target_region, sync.target_namespace)),
        "reason": sync.error_message or sync.reason,
        **wording_of(sync),
    }


def subject_of(sync: Any) -> dict[str, str]:  # noqa: ANN401  # a row
    """Return what a rule's `when` is compared with."""
    return {name: getattr(sync, name) for name in ("sender", "namespace", "repository", "tag")}


def _availability(connection: Connection, sync: Any) -> Notice | None:  # noqa: ANN401  # a row
    """Return the notice that an image is at all its targets, if this sync was the last of them."""
    siblings = _siblings(connection, sync)
    last = max(siblings, key=lambda row: (row.verified_at or row.created_at, row.id), default=None)
    is_complete = all(row.state == State.VERIFIED.value for row in siblings)
    if last is None or not is_complete or last.id != sync.id:
        return None
    image = image_name(sync.namespace, sync.repository, sync.tag)
    facts = {
        "image": image,
        "digest": sync.called_digest or sync.digest,
        "source_region": sync.source_region,
        "targets": sorted(str(Target(row.target_region, row.target_namespace)) for row in siblings),
    }
    return Notice(
        Topic.AVAILABLE, image, sync.verified_at, facts, {"sync": sync.id}, subject_of(sync)
    )


def _siblings(connection: Connection, sync: Any) -> Sequence[Any]:  # noqa: ANN401  # a row
    """Return the syncs of the same push or, without a push, the tag's newest to each target."""
    names = ("id", "state", "target_region", "target_namespace", "created_at", "verified_at")
    query = select(*(syncs.c[name] for name in names))
    if sync.push is not None:
        return connection.execute(query.where(syncs.c.push == sync.push)).all()
    image = ImageFilter(sync.namespace, sync.repository, sync.tag)
    query = query.where(*image_walk(syncs, image), syncs.c.source_region == sync.source_region)
    rows = connection.execute(query.order_by(syncs.c.id.desc()).limit(_MOST_OF_TAG))
    newest: dict[tuple[str, str], Any] = {}
    for row in rows:
        newest.setdefault((row.target_region, row.target_namespace), row)
    return list(newest.values())


def _to_notice(row: Any) -> Notice:  # noqa: ANN401  # a row
    return Notice(
        Topic(row["topic"]), row["cause"], row["at"], row["facts"], row["item"], row["subject"]
    )
